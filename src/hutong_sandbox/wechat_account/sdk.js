/* A stand-in for WeChat's script in a simulated phone: it asks the sandbox what the app would decide. */
(function () {
  "use strict";
  var phone = "__PHONE__", config = null, state = "", onReady = [], onError = [];
  var here = location.href;
  function ask(path, body, then) {
    var request = new XMLHttpRequest();
    request.open("POST", phone + path);
    request.setRequestHeader("content-type", "application/json");
    request.onload = function () { then(JSON.parse(request.responseText)); };
    request.send(JSON.stringify(body));
  }
  function share(name) {
    return function (card) {
      var plain = { title: card.title, desc: card.desc, link: card.link, imgUrl: card.imgUrl };
      ask("/phone/share", { config: config, url: here, name: name, card: plain }, function (told) {
        var done = told.errMsg === name + ":ok" ? card.success : card.fail;
        if (done) { done(told); }
      });
    };
  }
  window.wx = {
    config: function (given) {
      config = given;
      ask("/phone/config", { config: given, url: here }, function (told) {
        state = told.errMsg === "config:ok" ? "ready" : "error";
        (state === "ready" ? onReady : onError).forEach(function (call) { call(told); });
      });
    },
    ready: function (call) { if (state === "ready") { call(); } else { onReady.push(call); } },
    error: function (call) { if (state === "error") { call({}); } else { onError.push(call); } },
    updateAppMessageShareData: share("updateAppMessageShareData"),
    updateTimelineShareData: share("updateTimelineShareData")
  };
})();
