// What the Alipay app puts into a page: AlipayJSBridge, with a buyer who always pays.
// Injected by a test browser, never served by a merchant's page.
(() => {
  if (window.AlipayJSBridge) return;
  const pay = (params, done) => {
    const body = JSON.stringify({ platform: "alipay", invoke: params });
    fetch("__CONTROL__/bridge/pay", { method: "POST", body })
      .then((answer) => done({ resultCode: answer.ok ? "9000" : "4000" }))
      .catch(() => done({ resultCode: "6002" }));
  };
  window.AlipayJSBridge = {
    call(name, params, done) {
      const tell = typeof params === "function" ? params : done || (() => {});
      if (name === "tradePay") pay(params, tell);
      else tell({ error: 1, errorMessage: "接口不存在" });
    },
  };
  const ready = () => document.dispatchEvent(new Event("AlipayJSBridgeReady"));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
