from django.urls import path

from answerable.channel import office

urlpatterns = [
    path("", office.threads, name="threads"),
    path("receipt/", office.receipt, name="receipt"),
    path("open/", office.open_door, name="open-door"),
    path("codes/", office.issue_code, name="issue-code"),
    path("<str:ref>/", office.thread, name="thread"),
    path("<str:ref>/read/", office.read, name="read-thread"),
    path("<str:ref>/file/", office.show_file, name="show-file"),
    path("<str:ref>/reply/", office.reply, name="reply-thread"),
    path("<str:ref>/move/", office.move, name="move-thread"),
    path("<str:ref>/code/", office.replace_code, name="replace-code"),
]
