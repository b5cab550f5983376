// Small behaviours of the console: progress bar, theme, dialogs, copying, charts. No state of its own.
(function () {
  "use strict";
  var root = document.documentElement;

  function busy(on) { root.classList.toggle("ht-busy", on); }
  document.addEventListener("htmx:beforeRequest", function () { busy(true); });
  document.addEventListener("htmx:afterRequest", function () { busy(false); });

  function setTheme(theme) {
    root.setAttribute("data-bs-theme", theme);
    try { localStorage.setItem("hutong-theme", theme); } catch (error) { /* private mode: not kept */ }
    drawCharts(document);
  }

  function copy(button) {
    var text = button.getAttribute("data-copy");
    var done = function () {
      var before = button.textContent;
      button.textContent = button.getAttribute("data-copied");
      setTimeout(function () { button.textContent = before; }, 1500);
    };
    if (navigator.clipboard) { navigator.clipboard.writeText(text).then(done, function () { prompt("", text); }); }
    else { prompt("", text); }
  }

  document.addEventListener("click", function (event) {
    var target = event.target instanceof Element ? event.target : null;
    if (!target) { return; }
    var opener = target.closest("[data-open-dialog]");
    if (opener) { document.getElementById(opener.getAttribute("data-open-dialog")).showModal(); return; }
    if (target.closest("[data-close-dialog]")) { target.closest("dialog").close(); return; }
    if (target.closest("[data-theme-toggle]")) { setTheme(root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark"); return; }
    var copier = target.closest("[data-copy]");
    if (copier) { copy(copier); return; }
    document.querySelectorAll("details.ht-menu[open]").forEach(function (menu) {
      if (!menu.contains(target)) { menu.removeAttribute("open"); }
    });
  });

  document.addEventListener("submit", function (event) {
    var button = event.target.querySelector("button[data-once]");
    if (!button) { return; }
    if (event.target.hasAttribute("data-slow")) { busy(true); button.textContent = button.getAttribute("data-waiting"); }
    setTimeout(function () { button.disabled = true; }, 0);  // after the browser has taken the form
    setTimeout(function () { button.disabled = false; }, 60000);
  });

  // Charts: drawn only where a page has one; the library is fetched then.
  var loading = null;
  function library(source) {
    if (window.echarts) { return Promise.resolve(window.echarts); }
    if (!loading) {
      loading = new Promise(function (resolve, reject) {
        var script = document.createElement("script");
        script.src = source;
        script.onload = function () { resolve(window.echarts); };
        script.onerror = reject;
        document.head.appendChild(script);
      });
    }
    return loading;
  }

  function colour(name) { return getComputedStyle(root).getPropertyValue(name).trim(); }

  function options(data) {
    var scale = Math.pow(10, data.minor_digits);
    var wide = window.innerWidth >= 768;
    return {
      animation: false,
      grid: { left: 8, right: 8, top: 16, bottom: 4, containLabel: true },
      textStyle: { fontFamily: colour("--tblr-font-sans-serif"), color: colour("--ht-faint") },
      tooltip: {
        trigger: "axis", confine: true,
        formatter: function (points) { return data.labels[points[0].dataIndex] + "<br><b>" + data.value_texts[points[0].dataIndex] + "</b>"; }
      },
      xAxis: {
        type: "category", data: data.labels, axisTick: { show: false },
        axisLine: { lineStyle: { color: colour("--tblr-border-color") } },
        axisLabel: { color: colour("--ht-faint"), hideOverlap: true }
      },
      yAxis: {
        type: "value", splitNumber: wide ? 4 : 3,
        splitLine: { lineStyle: { color: colour("--tblr-border-color") } },
        axisLabel: { color: colour("--ht-faint"), formatter: function (value) { return value.toLocaleString(root.lang); } }
      },
      series: [{
        type: "bar", name: data.title, barMaxWidth: 34, itemStyle: { color: colour("--ht-jade"), borderRadius: [4, 4, 0, 0] },
        data: data.values.map(function (value) { return value / scale; })
      }]
    };
  }

  function drawCharts(scope) {
    scope.querySelectorAll("[data-chart]").forEach(function (box) {
      var data = JSON.parse(document.getElementById(box.getAttribute("data-chart")).textContent);
      library(box.getAttribute("data-library")).then(function (echarts) {
        var chart = echarts.getInstanceByDom(box) || echarts.init(box, null, { renderer: "svg" });
        chart.setOption(options(data), true);
        box.setAttribute("data-drawn", "true");
      });
    });
  }

  // "New link" from another page leads here with ?new=1: the form is open already.
  function openAsked() {
    document.querySelectorAll("dialog[data-open-on]").forEach(function (asked) {
      if (location.search === asked.getAttribute("data-open-on") && !asked.open) { asked.showModal(); }
    });
  }

  function arrived() { drawCharts(document); openAsked(); }
  document.addEventListener("DOMContentLoaded", arrived);
  document.addEventListener("htmx:historyRestore", arrived);
  document.addEventListener("htmx:afterSettle", arrived);
  window.addEventListener("resize", function () {
    document.querySelectorAll("[data-drawn]").forEach(function (box) {
      var chart = window.echarts && window.echarts.getInstanceByDom(box);
      if (chart) { chart.resize(); }
    });
  });
})();
