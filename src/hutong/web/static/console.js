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

  // Stacked rates, one row a channel, beside the line they are measured by.
  function rateOptions(data) {
    var wide = window.innerWidth >= 768;
    var totals = data.labels.map(function (_label, row) {
      return data.series.reduce(function (sum, series) { return sum + series.values_bps[row]; }, 0) / 100;
    });
    var last = data.series.length - 1;
    return {
      animation: false,
      grid: { left: 4, right: 56, top: 34, bottom: 26, containLabel: true },
      textStyle: { fontFamily: colour("--tblr-font-sans-serif"), color: colour("--ht-faint") },
      legend: { bottom: 0, left: 0, itemWidth: 12, itemHeight: 12, itemGap: 14, textStyle: { color: colour("--ht-faint") } },
      tooltip: {
        trigger: "axis", axisPointer: { type: "shadow" }, confine: true,
        valueFormatter: function (value) { return value.toFixed(2) + "%"; }
      },
      xAxis: {
        type: "value", position: "top", max: Math.max(Math.ceil((data.line_bps / 100 + 1) / 10) * 10, Math.ceil(Math.max.apply(null, totals) / 10) * 10),
        splitNumber: wide ? 5 : 3, axisLabel: { show: false }, axisTick: { show: false },
        splitLine: { lineStyle: { color: colour("--tblr-border-color") } }
      },
      yAxis: {
        type: "category", inverse: true, data: data.labels, axisTick: { show: false },
        axisLine: { lineStyle: { color: colour("--tblr-border-color") } },
        axisLabel: { color: colour("--tblr-body-color"), width: wide ? 140 : 92, overflow: "truncate" }
      },
      series: data.series.map(function (series, index) {
        var made = {
          type: "bar", stack: "cost", name: series.name, barMaxWidth: 22, itemStyle: { color: colour(series.colour) },
          data: series.values_bps.map(function (value) { return value / 100; })
        };
        if (index === last) {
          made.label = {
            show: true, position: "right", color: colour("--tblr-body-color"), fontWeight: 600,
            formatter: function (point) { return data.texts[point.dataIndex]; }
          };
          made.markLine = {
            silent: true, symbol: "none", data: [{ xAxis: data.line_bps / 100 }],
            lineStyle: { color: colour("--ht-seal"), type: "dashed", width: 2 },
            label: { position: "start", distance: 6, color: colour("--ht-bad-fg"), fontWeight: 600, formatter: data.line_text }
          };
        }
        return made;
      })
    };
  }

  // Counts over time, one colour for each kind of thing that is counted.
  function stackOptions(data) {
    var made = options({ labels: data.labels, values: [], value_texts: [], title: "", minor_digits: 0 });
    made.grid.bottom = 30;
    made.legend = { bottom: 0, left: 0, itemWidth: 12, itemHeight: 12, itemGap: 14, textStyle: { color: colour("--ht-faint") } };
    made.tooltip = {
      trigger: "axis", axisPointer: { type: "shadow" }, confine: true,
      valueFormatter: function (value) { return value.toLocaleString(root.lang); }
    };
    made.yAxis.minInterval = 1;
    made.series = data.series.map(function (series) {
      return { type: "bar", stack: "all", name: series.name, barMaxWidth: 28, itemStyle: { color: colour(series.colour) }, data: series.values };
    });
    return made;
  }

  var kinds = { rates: rateOptions, stack: stackOptions };
  var ROW_PX = 40, EDGES_PX = 70;

  function drawCharts(scope) {
    scope.querySelectorAll("[data-chart]").forEach(function (box) {
      var data = JSON.parse(document.getElementById(box.getAttribute("data-chart")).textContent);
      library(box.getAttribute("data-library")).then(function (echarts) {
        if (data.kind === "rates") { box.style.height = data.labels.length * ROW_PX + EDGES_PX + "px"; }
        var chart = echarts.getInstanceByDom(box) || echarts.init(box, null, { renderer: "svg" });
        chart.setOption((kinds[data.kind] || options)(data), true);
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

  // Filters take a phone's whole screen and stay folded there; a desk has room for them.
  function unfold() {
    if (window.innerWidth >= 768) {
      document.querySelectorAll("details.ht-fold").forEach(function (fold) { fold.open = true; });
    }
  }

  function arrived() { drawCharts(document); openAsked(); unfold(); }
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
