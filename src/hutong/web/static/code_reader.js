// Reads payment codes out of a camera's pictures: with the browser's own reader, else with one that is fetched now.
(function () {
  "use strict";
  var PAUSE_MS = 100;
  // The fetched reader takes some codes for something else at certain sizes and angles (2 in 100 of those held close
  // and still), and the next size or angle reads them: so each picture is looked at in another way than the last.
  var VIEWS = [
    { scale: 1, isTurned: false },
    { scale: 0.5, isTurned: false },
    { scale: 0.25, isTurned: true },
    { scale: 0.35, isTurned: false },
    { scale: 0.5, isTurned: true },
    { scale: 1, isTurned: true }
  ];

  function draw(source, width, height, view, canvas) {
    var w = Math.round(width * view.scale), h = Math.round(height * view.scale);
    canvas.width = view.isTurned ? h : w;
    canvas.height = view.isTurned ? w : h;
    var context = canvas.getContext("2d", { willReadFrequently: true });
    if (view.isTurned) { context.translate(h, 0); context.rotate(Math.PI / 2); }
    context.drawImage(source, 0, 0, w, h);
  }
  function fetched(ZXing) {
    var canvas = document.createElement("canvas"), looks = 0, reader = new ZXing.MultiFormatReader();
    var formats = [ZXing.BarcodeFormat.QR_CODE, ZXing.BarcodeFormat.CODE_128];
    reader.setHints(new Map([[ZXing.DecodeHintType.POSSIBLE_FORMATS, formats]]));
    // The code in this look at the picture, or "".
    return function (source, width, height) {
      draw(source, width, height, VIEWS[looks % VIEWS.length], canvas);
      looks += 1;
      try {
        var light = new ZXing.HTMLCanvasElementLuminanceSource(canvas);
        return Promise.resolve(reader.decodeWithState(new ZXing.BinaryBitmap(new ZXing.HybridBinarizer(light))).getText());
      } catch (error) {
        return Promise.resolve("");  // the library's way to say that there is no code in it
      } finally {
        reader.reset();
      }
    };
  }
  function own() {
    var detector = new window.BarcodeDetector({ formats: ["qr_code", "code_128"] });
    return function (source) {
      return detector.detect(source).then(function (found) { return found.length ? found[0].rawValue : ""; });
    };
  }
  function library(url) {
    if (window.ZXing) { return Promise.resolve(window.ZXing); }
    return new Promise(function (resolve, reject) {
      var script = document.createElement("script");
      script.src = url;
      script.onload = function () { resolve(window.ZXing); };
      script.onerror = reject;
      document.head.appendChild(script);
    });
  }

  // look(source, width, height) promises the code in a picture, or "".
  function reader(url) {
    return window.BarcodeDetector ? Promise.resolve(own()) : library(url).then(fetched);
  }
  // Tells each code it sees until it is shut; `failed` when no reader can be had.
  function watch(stream, video, url, found, failed) {
    var isOpen = true;
    function rest(look) { setTimeout(function () { step(look); }, PAUSE_MS); }
    function step(look) {
      if (!isOpen) { return; }
      if (!video.videoWidth) { rest(look); return; }
      look(video, video.videoWidth, video.videoHeight).then(function (code) {
        if (isOpen && code) { found(code); }
        rest(look);
      }, function () { rest(look); });
    }
    video.srcObject = stream;
    video.play().catch(function () { /* shut before it began */ });
    reader(url).then(step, function () { if (isOpen) { failed(); } });
    return function () {
      isOpen = false;
      stream.getTracks().forEach(function (track) { track.stop(); });
      video.srcObject = null;
    };
  }

  window.hutongCodes = { reader: reader, watch: watch };
})();
