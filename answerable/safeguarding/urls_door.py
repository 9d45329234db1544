from django.urls import path

from answerable.safeguarding import views_door

urlpatterns = [
    path("care/", views_door.care, name="door-care"),
    path("complaint/received/", views_door.received, name="door-complaint-received"),
]
