// The till. Amounts stay text until the server reads them exactly; a payment code is sent once and kept nowhere.
(function () {
  "use strict";
  var till = document.getElementById("till");
  if (!till || till.hasAttribute("data-alive")) { return; }
  till.setAttribute("data-alive", "1");
  var DIGITS_MAX = 8;
  var CODE_CHARS_MIN = 16;        // of every wallet's payment codes
  var GUN_GAP_MS = 150;           // a gun types faster than a finger; what is typed slower is an amount
  var SAME_CODE_MS = 4000;        // a code read twice in a row is one scan
  var POLL_MS = 1000;
  var LOST_POLL_MS = 5000;        // while the line is down
  var LOST_TOLD = 3;              // polls without an answer before people are told
  var ANSWER_MS = 45000;          // a charge without an answer for so long is asked for by its sale
  var text = "", sale = null, opening = null, timer = null, asked = 0, ends = 0, lost = 0;
  var burst = "", burstAt = 0, burstTimer = null, lastCode = "", lastCodeAt = 0, shutCamera = null;

  function el(id) { return document.getElementById(id); }
  function words(name) { return till.getAttribute("data-" + name); }
  function each(what, act) { Array.prototype.forEach.call(till.querySelectorAll(what), act); }
  function state() { return till.getAttribute("data-state"); }
  function show(name) {
    till.setAttribute("data-state", name);
    each("[data-on]", function (part) { part.hidden = part.getAttribute("data-on") !== name; });
    el("till-go").disabled = name !== "idle" || !/[1-9]/.test(text);
  }
  function fill(what, words) { each(what, function (part) { part.textContent = words; }); }
  function draw() { el("till-typed").textContent = text; show("idle"); }

  // The keypad
  function press(key) {
    if (state() !== "idle") { return; }
    var parts = text.split(".");
    if (key === "back") { text = text.slice(0, -1); }
    else if (key === "clear") { text = ""; }
    else if (key === ".") { if (parts.length === 1) { text = (text || "0") + "."; } }
    else if (parts.length === 2) { if (parts[1].length < 2) { text += key; } }
    else if (text === "0") { text = key; }
    else if (text.length < DIGITS_MAX) { text += key; }
    draw();
  }

  // Talking to the hub
  function send(path, fields) {
    var body = new URLSearchParams(fields || {});
    body.set("_csrf_token", words("csrf"));
    return answer(fetch("/counter" + path, { method: "POST", body: body, headers: { accept: "application/json" } }));
  }
  function answer(request) {
    var late = new Promise(function (_, reject) { setTimeout(function () { reject({ told: null }); }, ANSWER_MS); });
    return Promise.race([late, request.then(function (got) {
      return got.json().then(function (body) {
        if (!got.ok) { throw { told: body }; }
        return body;
      });
    })]);
  }
  function failed(error) {
    stop(); closeCamera();
    el("till-reason").textContent = (error.told && error.told.detail) || words("offline");
    el("till-fix").textContent = (error.told && error.told.fix) || "";
    show("failed");
  }

  // One sale
  function open() {
    if (!/[1-9]/.test(text)) { return Promise.reject({ told: { detail: words("no-amount") } }); }
    if (!opening) {
      el("till-go").disabled = true;
      opening = send("/sales", { amount: text.replace(/\.$/, "") }).then(function (body) {
        sale = body;
        fill("[data-sum]", body.amount_text);
        el("till-qr").innerHTML = body.qr_svg;
        return body;
      }, function (error) { opening = null; throw error; });
    }
    return opening;
  }
  function arm() {
    var mine = asked;
    open().then(function () { if (mine === asked) { show("armed"); poll(); } }, function (error) { if (mine === asked) { failed(error); } });
  }
  // From the scan to its answer nothing else is taken: no second scan, no leaving.
  function charge(code) {
    stop(); closeCamera(); fill("[data-wallet]", ""); show("charging");
    open().then(function (body) {
      return send("/wallet", { auth_code: code }).then(function (found) {
        fill("[data-wallet]", found.wallet);
        return send("/sales/" + body.checkout_id + "/charge", { auth_code: code }).catch(unclear);
      });
    }).then(told, failed);
  }
  // What the hub did not clearly say no to may have been done: the sale itself says how it stands.
  function unclear(error) {
    var code = error.told && error.told.code;
    if (code && ["internal", "checkout_over", "charge_running"].indexOf(code) < 0) { throw error; }
    return { state: "unclear" };
  }
  function told(body) {
    if (body.wallet) { fill("[data-wallet]", body.wallet); }
    if (body.state === "paid") { paid(); }
    else if (body.state === "unclear") { poll(); }
    else if (body.state === "waiting") {
      if (state() !== "waiting") { ends = Date.now() + 1000 * Number(words("password-s")); show("waiting"); tick(); }
      poll();
    }
    else if (state() === "waiting" || state() === "charging" || body.state === "over") { stop(); show("undone"); refresh(); }
    else { poll(); }
  }
  function poll() {
    stop();
    var mine = asked;
    el("till-offline").hidden = lost < LOST_TOLD;
    timer = setTimeout(function () {
      if (!document.contains(till) || !sale) { return; }
      answer(fetch("/counter/sales/" + sale.checkout_id, { headers: { accept: "application/json" }, cache: "no-store" })).then(
        function (body) { if (mine === asked) { lost = 0; el("till-offline").hidden = true; told(body); } },
        function () { if (mine === asked) { lost += 1; poll(); } });
      if (state() === "waiting") { tick(); }
    }, lost < LOST_TOLD ? POLL_MS : LOST_POLL_MS);
  }
  // Also deafens the till to the question under way: its answer is older than what is done now.
  function stop() { clearTimeout(timer); timer = null; asked += 1; }
  function tick() {
    var left = Math.max(0, Math.ceil((ends - Date.now()) / 1000));
    el("till-count").textContent = String(left);
    el("till-left").textContent = words("seconds").replace("{n}", String(left));
  }
  function paid() {
    stop(); closeCamera();
    el("till-receipt").setAttribute("href", "/counter/sales/" + sale.checkout_id + "/receipt");
    show("paid"); ring(); refresh();
  }
  function next() { stop(); closeCamera(); lost = 0; el("till-offline").hidden = true; fill("[data-sum]", ""); text = ""; sale = opening = null; lastCode = ""; draw(); }
  function again() { lastCode = ""; if (sale) { show("armed"); poll(); } else { next(); } }
  function refresh() {
    fetch("/counter/latest").then(function (got) { return got.text(); }).then(function (html) { el("till-latest").innerHTML = html; }, function () { /* the list is renewed with the next sale */ });
  }
  function ring() {
    if (!el("till-sound").checked || !window.AudioContext) { return; }
    var audio = new AudioContext(), tone = audio.createOscillator(), level = audio.createGain();
    tone.frequency.value = 880; level.gain.value = 0.15;
    tone.connect(level); level.connect(audio.destination);
    tone.start(); tone.stop(audio.currentTime + 0.25);
    tone.onended = function () { audio.close(); };
  }

  // A scanned code, from gun or camera
  function scanned(code) {
    var now = Date.now();
    if (code === lastCode && now - lastCodeAt < SAME_CODE_MS) { return; }
    lastCode = code; lastCodeAt = now;
    if (["idle", "armed", "camera", "failed", "undone"].indexOf(state()) < 0) { return; }
    if (!/^\d+$/.test(code) || code.length < CODE_CHARS_MIN) { failed({ told: { detail: words("not-code") } }); return; }
    charge(code);
  }
  function flush() {
    clearTimeout(burstTimer);
    var typed = burst;
    burst = "";
    typed.split("").forEach(press);
  }
  function onKey(event) {
    if (!document.contains(till)) { document.removeEventListener("keydown", onKey); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) && event.target.type !== "checkbox") { return; }
    if (/^[0-9.]$/.test(event.key)) {
      if (burst && event.timeStamp - burstAt > GUN_GAP_MS) { flush(); }
      burst += event.key; burstAt = event.timeStamp;
      clearTimeout(burstTimer);
      burstTimer = setTimeout(flush, GUN_GAP_MS);
      return;
    }
    if (event.key === "Enter") {
      var code = burst;
      if (code.length >= CODE_CHARS_MIN) { clearTimeout(burstTimer); burst = ""; event.preventDefault(); scanned(code); return; }
      flush();
      if (event.target.tagName === "BUTTON" || event.target.tagName === "A") { return; }
      if (state() === "idle" && /[1-9]/.test(text)) { arm(); } else if (state() === "paid") { next(); }
    }
    else if (event.key === "Backspace") { flush(); press("back"); }
    else if (event.key === "Escape" && ["armed", "failed", "undone", "paid", "camera"].indexOf(state()) >= 0) { next(); }
  }

  // The camera: the browser's own reader, else one that is fetched now
  function closeCamera() { if (shutCamera) { shutCamera(); shutCamera = null; } }
  function openCamera() {
    var video = el("till-video");
    var of = sale;
    function wanted() { return sale === of && state() === "armed"; }
    function refused() { if (wanted()) { failed({ told: { detail: words("no-camera") } }); } }
    if (!navigator.mediaDevices) { failed({ told: { detail: words("no-camera") } }); return; }
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } }).then(function (stream) {
      if (!wanted()) { stream.getTracks().forEach(function (track) { track.stop(); }); return; }
      var open = true, reader = null;
      shutCamera = function () {
        open = false;
        if (reader) { reader.reset(); }
        stream.getTracks().forEach(function (track) { track.stop(); });
        video.srcObject = null;
      };
      show("camera");
      if (window.BarcodeDetector) {
        video.srcObject = stream; video.play();
        var detector = new window.BarcodeDetector({ formats: ["qr_code", "code_128"] });
        var look = function () {
          if (!open) { return; }
          detector.detect(video).then(function (found) {
            if (found.length) { scanned(found[0].rawValue); } else { setTimeout(look, 150); }
          }, function () { setTimeout(look, 300); });
        };
        look();
        return;
      }
      library().then(function (ZXing) {
        if (!open) { return; }
        reader = new ZXing.BrowserMultiFormatReader(new Map([[ZXing.DecodeHintType.POSSIBLE_FORMATS, [ZXing.BarcodeFormat.QR_CODE, ZXing.BarcodeFormat.CODE_128]]]), 150);
        reader.decodeFromStream(stream, video, function (result) { if (result && open) { scanned(result.getText()); } });
      }, function () { closeCamera(); failed({ told: { detail: words("no-camera") } }); });
    }, refused);
  }
  function library() {
    if (window.ZXing) { return Promise.resolve(window.ZXing); }
    return new Promise(function (resolve, reject) {
      var script = document.createElement("script");
      script.src = words("reader");
      script.onload = function () { resolve(window.ZXing); };
      script.onerror = reject;
      document.head.appendChild(script);
    });
  }

  el("till-keys").addEventListener("click", function (event) {
    var button = event.target.closest("[data-key]");
    if (button) { press(button.getAttribute("data-key")); }
  });
  el("till-go").addEventListener("click", arm);
  el("till-camera").addEventListener("click", openCamera);
  el("till-shut").addEventListener("click", function () { closeCamera(); again(); });
  el("till-again").addEventListener("click", again);
  el("till-retry").addEventListener("click", again);
  el("till-cancel").addEventListener("click", function () {
    stop();
    el("till-cancel").disabled = true;
    send("/sales/" + sale.checkout_id + "/cancel").catch(unclear).then(told, failed).finally(function () { el("till-cancel").disabled = false; });
  });
  each("[data-next]", function (button) { button.addEventListener("click", next); });
  var sound = el("till-sound");
  try { sound.checked = localStorage.getItem("hutong-sound") === "1"; } catch (error) { /* private mode: not kept */ }
  sound.addEventListener("change", function () { try { localStorage.setItem("hutong-sound", sound.checked ? "1" : "0"); } catch (error) { /* as above */ } });
  document.addEventListener("keydown", onKey);
  draw();
})();
