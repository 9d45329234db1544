(function () {
  "use strict";
  // As in vault/arrivals.py: the node, and the vault's own key for what comes through the door.
  var NODE = "alliance", SERVICE = "door";
  function bytes(text) { return Uint8Array.from(atob(text), function (c) { return c.charCodeAt(0); }); }
  function packed(blob) {
    var text = "", i;
    for (i = 0; i < blob.length; i += 4096) text += String.fromCharCode.apply(null, blob.subarray(i, i + 4096));
    return btoa(text);
  }
  document.addEventListener("submit", function (event) {
    var form = event.target, field = form.querySelector("[data-seal]"), seal = window.AnswerableSeal, by = event.submitter;
    if (form.busy) { event.preventDefault(); return; }
    if (!field || !field.value.trim() || !seal || !seal.available) return;
    event.preventDefault();
    form.busy = true;
    function put(name, value) {
      var hidden = document.createElement("input");
      hidden.type = "hidden"; hidden.name = name; hidden.value = value;
      form.appendChild(hidden);
    }
    if (by && by.name) put(by.name, by.value);
    var lock = field.dataset, visit = form.elements.t.value.split(":")[0];
    Promise.resolve().then(function () {
      var context = seal.envelopeContext(NODE, SERVICE, visit, lock.seal);
      return seal.sealEnvelope(bytes(lock.key), new TextEncoder().encode(field.value), context);
    }).then(function (envelope) {
      put("sealed", packed(envelope));
      field.value = "";
      form.submit();
    }, function () { form.submit(); });
  });
  window.addEventListener("pageshow", function () {
    for (var i = 0; i < document.forms.length; i++) document.forms[i].busy = false;
  });
})();
