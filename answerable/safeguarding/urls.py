from django.urls import path

from answerable.safeguarding import views

urlpatterns = [
    path("care/", views.care, name="care"),
    path("care/offer/", views.offer_referral, name="offer-referral"),
    path("care/<str:ref>/", views.referral, name="referral"),
    path("care/<str:ref>/move/", views.move_referral, name="move-referral"),
    path("care/<str:ref>/read/", views.read_referral, name="read-referral"),
    path("directory/", views.directory, name="directory"),
    path("directory/enter/", views.enter_provider, name="enter-provider"),
    path("directory/<str:ref>/", views.provider, name="provider"),
    path("directory/<str:ref>/move/", views.move_provider, name="move-provider"),
    path("contact/plans/<str:ref>/move/", views.move_plan, name="move-plan"),
    path("contact/plans/<str:ref>/read/", views.read_plan, name="read-plan"),
    path("contact/attempts/<str:ref>/log/", views.log_contact, name="log-contact"),
    path("contact/<str:subject>/", views.contact, name="contact"),
    path("contact/<str:subject>/plan/", views.make_plan, name="make-plan"),
    path("contact/<str:subject>/reach/", views.plan_contact, name="plan-contact"),
    path("contact/<str:subject>/enquiry/", views.log_enquiry, name="log-enquiry"),
    path("safety/<str:ref>/", views.safety, name="safety"),
    path("safety/<str:ref>/looked/", views.look_at_safety, name="look-at-safety"),
]
