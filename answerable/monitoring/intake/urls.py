from django.urls import path

from answerable.monitoring.intake import views

urlpatterns = [
    path("", views.intake, name="intake"),
    path("form.xlsx", views.xlsform, name="intake-xlsform"),
    path("run/<str:token>/", views.run, name="intake-run"),
    path("run/<str:token>/problems.csv", views.run_problems, name="intake-run-problems"),
    path("deliveries/<str:ref>/", views.batch, name="intake-batch"),
    path("deliveries/<str:ref>/problems.csv", views.batch_problems, name="intake-batch-problems"),
    path("deliveries/<str:ref>/undo/", views.undo, name="intake-undo"),
    path("deliveries/<str:ref>/file/", views.file_all, name="intake-file-all"),
    path("drafts/<str:ref>/", views.draft, name="intake-draft"),
    path("drafts/<str:ref>/aside/", views.aside, name="intake-aside"),
    path("drafts/<str:ref>/version/", views.version, name="intake-version"),
    path("drafts/<str:ref>/texts/", views.texts, name="intake-texts"),
    path("drafts/<str:ref>/take-over/", views.take_over, name="intake-take-over"),
    path("story/<str:ref>/", views.story, name="incident-story"),
    path("report/<str:ref>/", views.report, name="intake-report"),
    path("interviews/", views.interviews, name="interviews"),
    path("interviews/ask/<str:ref>/", views.ask, name="ask-interview"),
    path("interviews/<str:ref>/", views.interview, name="interview"),
    path("interviews/<str:ref>/reasons/", views.reasons, name="interview-reasons"),
    path("interviews/<str:ref>/question/", views.question, name="interview-question"),
    path("interviews/<str:ref>/word/", views.word, name="interview-word"),
    path("counts/<str:ref>/", views.counts, name="intake-counts"),
    path("counts/out/<str:ref>/", views.counts_out, name="intake-counts-out"),
]
