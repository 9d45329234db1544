(function () {
  "use strict";
  var presses = 0, last = 0, way = document.querySelector("a.leave"), leave = way ? way.getAttribute("href") : "/leave/";
  // Said only where it works: with this script running and a keyboard at hand.
  var hint = document.getElementById("shift");
  if (hint && window.matchMedia && matchMedia("(pointer: fine)").matches) hint.hidden = false;
  function out(event) {
    if (event) event.preventDefault();
    var fields = document.querySelectorAll("input, textarea, select"), i;
    for (i = 0; i < fields.length; i++) { fields[i].value = ""; fields[i].checked = false; }
    document.title = "";
    document.body.textContent = "";
    location.replace(leave);
  }
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Shift") { presses = 0; return; }
    if (event.repeat) return;
    var now = Date.now();
    presses = now - last < 1500 ? presses + 1 : 1;
    last = now;
    if (presses >= 3) out();
  });
  document.addEventListener("click", function (event) {
    var link = event.target.closest ? event.target.closest("a.leave") : null;
    if (link) out(event);
  });
  window.addEventListener("pageshow", function (event) { if (event.persisted) location.reload(); });
})();
