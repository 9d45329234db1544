// Answers for the field kit where there is no line: the page, its script, its name. Whatever is sent goes to the line alone.
"use strict";
// The page may be kept in any language: its addresses begin where this file lies.
const PAGE = new URL("./", self.location.href).pathname, SHELF = `kit-1${PAGE}`;
const KEPT = [PAGE, `${PAGE}kit.js`, `${PAGE}manifest.json`];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELF).then((shelf) => shelf.addAll(KEPT)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const at = new URL(event.request.url);
  if (event.request.method !== "GET" || at.origin !== self.location.origin || !KEPT.includes(at.pathname)) return;
  // A newer page comes from the line when there is one; page and script are put on the shelf together or not at all.
  event.respondWith(fetch(event.request).catch(() => caches.match(at.pathname)));
  if (event.request.mode === "navigate") {
    event.waitUntil(caches.open(SHELF).then((shelf) => shelf.addAll(KEPT)).catch(() => undefined));
  }
});
