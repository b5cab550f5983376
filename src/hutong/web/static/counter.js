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
  var ASK_MS = 5000;              // limit of a mere question
  var CODE_MS = 60000;            // life of a payment code: what was not charged by then never will be
  var LIST_MS = 10000;            // between looks at a list in which something is open
  var UNCLEAR = ["internal", "already_paid", "charge_running"];
  var text = "", sale = null, opening = null, timer = null, asked = 0, ends = 0, lost = 0;
  var scan = null;                // a charge without a clear answer: { codes, until, reason }
  var codes = 0, isOver = false, isLeft = false, isUndoing = false, noted = "";
  var latest = document.getElementById("till-latest");
  var burst = "", burstAt = 0, burstTimer = null, lastCode = "", lastCodeAt = 0, shutCamera = null;

  // Its own parts only: an answer that comes when the page was left must not write into the next one.
  function el(id) { return till.querySelector("#" + id); }
  function words(name) { return till.getAttribute("data-" + name); }
  function each(what, act) { Array.prototype.forEach.call(till.querySelectorAll(what), act); }
  function state() { return till.getAttribute("data-state"); }
  function show(name) {
    if (noted === "other") { note(""); }  // said of the state that was
    till.setAttribute("data-state", name);
    each("[data-on]", function (part) { part.hidden = part.getAttribute("data-on") !== name; });
    el("till-go").disabled = name !== "idle" || !/[1-9]/.test(text);
  }
  function here() { return document.contains(till); }
  // One line beside whatever is shown; what is said of the line goes away when an answer comes.
  function note(kind, words) {
    noted = kind;
    el("till-note").textContent = words || "";
    el("till-signin").hidden = kind !== "signin";
    el("till-offline").hidden = !kind;
  }
  function fill(what, words) { each(what, function (part) { part.textContent = words; }); }
  function draw() { el("till-typed").textContent = text; show("idle"); }

  // The keypad
  function press(key) {
    if (state() === "failed" && !sale) { text = key === "back" ? text : ""; draw(); }
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
  function send(path, fields, isAgain) {
    var body = new URLSearchParams(fields || {});
    body.set("_csrf_token", words("csrf"));
    return answer("/counter" + path, { method: "POST", body: body }, ANSWER_MS).catch(function (error) {
      if (isAgain || !error.told || error.told.code !== "forged_form") { throw error; }
      return renew().then(function () { return send(path, fields, true); });
    });
  }
  // Signed in anew in another tab: forms carry another mark now.
  function renew() {
    return within(ASK_MS, "/counter", {}).then(function (got) { return got.text(); }).then(function (html) {
      var found = / data-csrf="([^"]+)"/.exec(html);
      if (found) { till.setAttribute("data-csrf", found[1]); }
    }).catch(function () { /* the second try says what is wrong */ });
  }
  function within(limit, path, request) {
    var abort = new AbortController();
    request.signal = abort.signal;
    setTimeout(function () { abort.abort(); }, limit);  // an answer that was read is beyond it
    return fetch(path, request);
  }
  function answer(path, request, limit) {
    request.headers = { accept: "application/json" };
    return within(limit, path, request).then(function (got) {
      return got.json().then(function (body) {
        if (!got.ok || !body) { throw { told: body }; }
        return body;
      });
    });
  }
  function failed(error) {
    if (!here()) { return; }
    var told = error.told, isOut = Boolean(told) && told.code === "unauthorized";
    stop(); closeCamera(); scan = null; lost = 0;
    if (!sale) { opening = null; }  // the amount may be changed now
    note(isOut ? "signin" : "", words("signed-out"));
    el("till-reason").textContent = isOut ? words("signed-out") : (told && told.detail) || words("offline");
    el("till-fix").textContent = !isOut && told && told.fix || "";
    show("failed");
    if (sale && !isOver) { poll(); }
  }

  // One sale
  function open() {
    if (!/[1-9]/.test(text)) { return Promise.reject({ told: { detail: words("no-amount") } }); }
    if (!opening) {
      var mine = opening = send("/sales", { amount: text.replace(/\.$/, "") }).then(function (body) {
        if (opening !== mine) { throw { told: null }; }
        sale = body; codes = body.codes_count; isLeft = false;
        fill("[data-sum]", body.amount_text);
        el("till-qr").innerHTML = body.qr_svg;
        return body;
      }, function (error) { if (opening === mine) { opening = null; } throw error; });
    }
    return opening;
  }
  function arm() {
    stop(); show("opening");
    var mine = asked;
    open().then(function () { if (mine === asked) { show("armed"); poll(); } }, function (error) { if (mine === asked) { failed(error); } });
  }
  // From the scan to its answer nothing else is taken: no second scan, no leaving.
  function charge(code) {
    stop(); closeCamera(); note(""); fill("[data-wallet]", ""); isLeft = false; show("charging"); tick();
    var mine = asked;
    open().then(function (body) {
      return send("/wallet", { auth_code: code }).then(function (found) {
        fill("[data-wallet]", found.wallet);
        scan = { codes: codes, until: Date.now() + CODE_MS, reason: null };
        return send("/sales/" + body.checkout_id + "/charge", { auth_code: code }).then(
          function (stands) { if (mine === asked) { scan = null; told(stands); } },
          function (error) { if (mine === asked) { scan.reason = error.told || null; poll(); } });
      });
    }).catch(function (error) { if (mine === asked) { failed(error); } });
  }
  // A charge was answered by an error or not at all: the sale says how it stands, and whether the charge was begun.
  function judge(body) {
    var reason = scan.reason;
    var isPlain = reason && UNCLEAR.indexOf(reason.code) < 0 && (reason.status < 500 || reason.code === "platform_failure");
    if (isPlain) { failed({ told: reason }); }
    else if (body.codes_count > scan.codes) { undone(body); }
    else if (Date.now() < scan.until && body.state !== "over") { poll(); }
    else if (reason) { failed({ told: reason }); }
    else { undone(body); }
  }
  function undone(body) {
    stop(); closeCamera(); scan = null;
    show("undone"); refresh();
    if (body.state !== "over") { poll(); }
  }
  function told(body) {
    if (!here()) { return; }
    var now = state();
    lost = 0;
    if (noted !== "other") { note(""); }
    isOver = body.state === "over";
    if (body.wallet) { fill("[data-wallet]", body.wallet); }
    if (body.state === "paid") { paid(); }
    else if (body.state === "waiting") {
      if (now !== "waiting") { scan = null; isUndoing = false; closeCamera(); ends = Date.now() + 1000 * Number(words("password-s")); show("waiting"); tick(); }
      poll();
    }
    else if (scan) { judge(body); }
    else if (now === "waiting" || now === "charging") { undone(body); }
    else if (!isOver) { poll(); }
    else if (now !== "failed" && now !== "undone") { undone(body); }
    codes = body.codes_count;
  }
  function poll() {
    stop();
    var mine = asked;
    var isSlow = lost >= LOST_TOLD || noted === "signin" || state() === "failed" || state() === "undone";
    timer = setTimeout(function () {
      if (!here() || !sale) { return; }
      answer("/counter/sales/" + sale.checkout_id, { cache: "no-store" }, ASK_MS).then(function (body) {
        if (mine !== asked) { return; }
        told(body);
      }, function (error) {
        if (mine !== asked) { return; }
        lost += 1;
        if (error.told && error.told.code === "unauthorized") { note("signin", words("signed-out")); }
        else if (lost >= LOST_TOLD) { note("line", words("retrying")); }
        poll();
      });
    }, isSlow ? LOST_POLL_MS : POLL_MS);
  }
  // Also deafens the till to the question under way: its answer is older than what is done now.
  function stop() { clearTimeout(timer); timer = null; asked += 1; }
  function tick() {
    var left = Math.max(0, Math.ceil((ends - Date.now()) / 1000)), isEnding = isUndoing || !left;
    if (state() === "charging") { isEnding = Boolean(scan) && Date.now() >= scan.until; }
    each("[data-later]", function (button) { button.hidden = !isEnding; });
    if (state() !== "waiting") { return; }
    el("till-count").textContent = isUndoing ? "" : String(left);
    el("till-ask").textContent = words(isEnding ? "undoing" : "ask");
    el("till-left").textContent = isEnding ? words("late") : words("seconds").replace("{n}", String(left));
  }
  function paid() {
    stop(); closeCamera(); scan = null; lost = 0; note("");
    el("till-receipt").setAttribute("href", "/counter/sales/" + sale.checkout_id + "/receipt");
    show("paid"); ring(); refresh();
  }
  function next() {
    stop(); closeCamera(); lost = codes = 0; note(""); fill("[data-sum]", "");
    text = lastCode = ""; sale = opening = scan = null; isOver = isLeft = isUndoing = false;
    el("till-cancel").disabled = false;
    draw();
  }
  // Given up: nobody can pay it any more, unless the money came first. Where the hub does not answer, once more leaves.
  function leave() {
    if (!sale || isOver) { next(); return; }
    if (isLeft) { next(); note("other", words("unclosed")); refresh(); return; }
    stop(); closeCamera(); show("leaving");
    var mine = asked;
    send("/sales/" + sale.checkout_id + "/leave").then(function (body) {
      if (mine !== asked) { return; }
      if (body.state === "paid" || body.state === "waiting") { told(body); return; }
      next(); refresh();
      if (body.state !== "over") { note("other", words("unclosed")); }
    }, function (error) { if (mine === asked) { isLeft = true; failed(error); } });
  }
  // The next customer waits: what became of this charge is told by the list.
  function later() {
    var left = sale.checkout_id;
    next(); note("other", words("late"));
    send("/sales/" + left + "/leave").then(refresh, function () { note("other", words("unclosed")); refresh(); });
  }
  function again() {
    lastCode = ""; scan = null; isLeft = false;
    if (sale && !isOver) { show("armed"); poll(); } else { sale = opening = null; isOver = false; fill("[data-sum]", ""); draw(); }
  }
  function refresh() {
    fetch("/counter/latest").then(function (got) {
      if (!got.ok || got.redirected) { return; }
      return got.text().then(function (html) { latest.innerHTML = html; });
    }).catch(function () { /* the list is renewed with the next sale */ });
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
    if (!here()) { closeCamera(); return; }
    var now = Date.now();
    if (code === lastCode && now - lastCodeAt < SAME_CODE_MS) { return; }
    lastCode = code; lastCodeAt = now;
    if (["idle", "opening", "armed", "camera", "failed", "undone"].indexOf(state()) < 0) { return; }
    if (!/^\d+$/.test(code) || code.length < CODE_CHARS_MIN) { failed({ told: { detail: words("not-code") } }); return; }
    if (isOver) { sale = opening = null; isOver = false; }  // the same amount, a new sale
    charge(code);
  }
  function flush() {
    clearTimeout(burstTimer);
    var typed = burst;
    burst = "";
    typed.split("").forEach(press);
  }
  function onKey(event) {
    if (!here()) { document.removeEventListener("keydown", onKey); return; }
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
    else if (event.key === "Escape" && ["armed", "failed", "undone", "camera"].indexOf(state()) >= 0) { leave(); }
    else if (event.key === "Escape" && ["opening", "paid"].indexOf(state()) >= 0) { next(); }
  }

  function closeCamera() { if (shutCamera) { shutCamera(); shutCamera = null; } }
  function openCamera() {
    var of = sale;
    function wanted() { return sale === of && state() === "armed"; }
    function blind() { failed({ told: { detail: words("no-camera") } }); }
    if (!navigator.mediaDevices) { blind(); return; }
    navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1280 } } }).then(function (stream) {
      if (!wanted()) { stream.getTracks().forEach(function (track) { track.stop(); }); return; }
      show("camera");
      shutCamera = window.hutongCodes.watch(stream, el("till-video"), words("reader"), scanned, function () { closeCamera(); blind(); });
    }, function () { if (wanted()) { blind(); } });
  }

  el("till-keys").addEventListener("click", function (event) {
    var button = event.target.closest("[data-key]");
    if (!button) { return; }
    if (event.detail) { button.blur(); }  // Enter after a click of the mouse is for the till, not for the key
    press(button.getAttribute("data-key"));
  });
  el("till-go").addEventListener("click", arm);
  el("till-camera").addEventListener("click", openCamera);
  el("till-shut").addEventListener("click", function () { closeCamera(); again(); });
  el("till-again").addEventListener("click", again);
  el("till-retry").addEventListener("click", again);
  each("[data-later]", function (button) { button.addEventListener("click", later); });
  el("till-cancel").addEventListener("click", function () {
    stop();
    el("till-cancel").disabled = true;
    var mine = asked;
    send("/sales/" + sale.checkout_id + "/cancel").then(function (body) {
      if (mine !== asked) { refresh(); return; }
      isUndoing = body.state === "waiting";
      told(body); tick();
    }, function (error) {
      if (mine !== asked) { return; }
      if (error.told) { note("other", error.told.detail); }
      poll();
    }).finally(function () { el("till-cancel").disabled = false; });
  });
  each("[data-next]", function (button) { button.addEventListener("click", next); });
  each("[data-leave]", function (button) { button.addEventListener("click", leave); });
  var clock = setInterval(function () { if (here()) { tick(); } else { closeCamera(); clearInterval(clock); } }, 1000);
  var list = setInterval(function () {
    if (!here()) { clearInterval(list); } else if (!document.hidden && latest.querySelector("[data-open]")) { refresh(); }
  }, LIST_MS);
  var sound = el("till-sound");
  try { sound.checked = localStorage.getItem("hutong-sound") === "1"; } catch (error) { /* private mode: not kept */ }
  sound.addEventListener("change", function () { try { localStorage.setItem("hutong-sound", sound.checked ? "1" : "0"); } catch (error) { /* as above */ } });
  document.addEventListener("keydown", onKey);
  draw();
})();
