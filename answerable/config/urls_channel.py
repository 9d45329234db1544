"""The channel's addresses: constant, few, and none of them holds a reference."""

from django.urls import path

from answerable.channel import kit_views, views
from answerable.web import views as web

urlpatterns = [
    path("", views.information, name="information"),
    path("organisations/", views.organisations, name="organisations"),
    path("begin/", views.begin, name="begin"),
    path("write/", views.write, name="write"),
    path("seal.js", views.sealing_module, name="sealing-module"),
    path("kit/", kit_views.kit, name="kit"),
    path("kit/kit.js", kit_views.script, name="kit-script"),
    path("kit/worker.js", kit_views.worker, name="kit-worker"),
    path("kit/manifest.json", kit_views.manifest, name="kit-manifest"),
    path("kit/ready/", kit_views.ready, name="kit-ready"),
    path("kit/form/", kit_views.form, name="kit-form"),
    path("kit/send/", kit_views.send, name="kit-send"),
    path("code/", views.code, name="code"),
    path("enter/", views.enter, name="enter"),
    path("enter/again/", views.enter_again, name="enter-again"),
    path("inside/", views.inside, name="inside"),
    path("inside/write/", views.write_inside, name="write-inside"),
    path("inside/resume/", views.resume, name="resume"),
    path("inside/choice/", views.choice, name="choice"),
    path("inside/give/", views.give, name="give"),
    path("inside/withdraw/", views.withdraw, name="withdraw"),
    path("inside/file/", views.send_file, name="send-file"),
    path("inside/undo/", views.undo, name="undo"),
    path("inside/pin/", views.pin, name="pin"),
    path("inside/text/", views.statement, name="statement"),
    path("inside/close/", views.close_door, name="close-door"),
    path("leave/", views.leave, name="leave"),
    path("busy/", views.busy, name="busy"),
    path("later/", views.late, name="late"),
    path("room/", views.no_room, name="no-room"),
    path("closed/", views.closed, name="closed"),
    path("long/", views.too_long, name="too-long"),
    path("left/", views.ended, name="ended"),
    path("care/", views.care, name="door-care"),
    # A browser keeps the addresses it visited, so this one does not say what it is for.
    path("other/", views.complaint, name="door-complaint"),
    path("other/received/", views.complaint_received, name="door-complaint-received"),
    path("complaint/", views.moved, name="moved"),
    path("complaint/received/", views.moved, name="moved-too"),
    path("alive/", web.alive, name="alive"),
    path("language/", views.language, name="set-language"),
]

# Even what goes wrong looks like this host and no other.
handler400 = handler403 = handler404 = "answerable.channel.views.missing"
handler500 = "answerable.channel.views.missing"
