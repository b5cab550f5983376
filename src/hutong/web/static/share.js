/* What is typed into a card is shown in its previews at once; an empty field shows the default again. */
(function () {
  "use strict";
  Array.prototype.forEach.call(document.querySelectorAll("[data-mirror]"), function (field) {
    var shown = document.querySelectorAll('[data-shows="' + field.getAttribute("data-mirror") + '"]');
    var before = shown.length ? shown[0].textContent : "", own = field.value.trim();
    field.addEventListener("input", function () {
      var text = field.value.trim() || (own ? "" : before);
      Array.prototype.forEach.call(shown, function (place) { place.textContent = text; });
    });
  });
  var theme = document.querySelector("[data-theme]"), phone = document.getElementById("phone");
  if (theme && phone) {
    theme.addEventListener("change", function () { phone.className = "sh-phone " + theme.value; });
  }
})();
