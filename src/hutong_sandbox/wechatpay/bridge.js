// What the WeChat client puts into a page: WeixinJSBridge, with a buyer who always pays.
// Injected by a test browser, never served by a merchant's page.
(() => {
  if (window.WeixinJSBridge) return;
  const pay = (params, done) => {
    const body = JSON.stringify({ platform: "wechatpay", invoke: params });
    fetch("__CONTROL__/bridge/pay", { method: "POST", body })
      .then((answer) => done({ err_msg: "get_brand_wcpay_request:" + (answer.ok ? "ok" : "fail") }))
      .catch(() => done({ err_msg: "get_brand_wcpay_request:fail" }));
  };
  window.WeixinJSBridge = {
    invoke(name, params, done) {
      if (name === "getBrandWCPayRequest") pay(params, done || (() => {}));
      else if (done) done({ err_msg: name + ":fail" });
    },
    on() {},
    call() {},
  };
  const ready = () => document.dispatchEvent(new Event("WeixinJSBridgeReady"));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
