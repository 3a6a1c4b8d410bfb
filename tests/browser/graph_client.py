"""What people do with Microsoft's Graph SDK for Python; started by graph.test.mjs with an address and a token."""
import asyncio
import io
import os
import time
import zipfile

from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.admin.service_announcement.health_overviews.health_overviews_request_builder import HealthOverviewsRequestBuilder
from msgraph.generated.admin.service_announcement.issues.issues_request_builder import IssuesRequestBuilder
from msgraph.generated.admin.service_announcement.messages.archive.archive_post_request_body import ArchivePostRequestBody
from msgraph.generated.admin.service_announcement.messages.favorite.favorite_post_request_body import FavoritePostRequestBody
from msgraph.generated.admin.service_announcement.messages.mark_read.mark_read_post_request_body import MarkReadPostRequestBody
from msgraph.generated.admin.service_announcement.messages.mark_unread.mark_unread_post_request_body import MarkUnreadPostRequestBody
from msgraph.generated.admin.service_announcement.messages.messages_request_builder import MessagesRequestBuilder
from msgraph.generated.admin.service_announcement.messages.unarchive.unarchive_post_request_body import UnarchivePostRequestBody
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph_core.tasks.page_iterator import PageIterator

Issues = IssuesRequestBuilder.IssuesRequestBuilderGetQueryParameters


class Token:
    def get_token(self, *scopes, **more):
        return AccessToken(os.environ["GRAPH_TOKEN"], int(time.time()) + 3600)


def asked(query, **headers):
    configuration = RequestConfiguration(query_parameters=query)
    for name, value in headers.items():
        configuration.headers.add(name, value)
    return configuration


async def refused(work, status, code):
    try:
        await work
    except ODataError as why:
        assert (why.response_status_code, why.error.code) == (status, code), why
        return why
    raise AssertionError(f"not refused with {status} {code}")


async def issues(announcement, adapter):
    listed = await announcement.issues.get(asked(Issues(count=True, top=2, orderby=["startDateTime desc"])))
    assert listed.odata_count == 3 and len(listed.value) == 2, listed
    found = await announcement.issues.get(asked(Issues(filter="classification eq 'incident'")))
    assert [one.title for one in found.value] == ["Issue 0"] and found.value[0].status.value == "serviceDegradation", found
    one = found.value[0]
    assert one.classification.value == "incident" and one.origin.value == "microsoft" and one.is_resolved is False, one
    assert one.posts[0].description.content and one.posts[0].post_type.value == "regular", one
    assert one.start_date_time.tzinfo is not None and one.last_modified_date_time >= one.start_date_time, one
    assert (await announcement.issues.by_service_health_issue_id(one.id).get()).id == one.id
    assert int(await announcement.issues.count.get()) == 3
    seen, pages = [], 0
    page = await announcement.issues.get(asked(Issues(), Prefer="odata.maxpagesize=1"))
    while True:
        pages += 1
        seen += [one.id for one in page.value]
        assert pages < 5
        if not page.odata_next_link:
            break
        page = await announcement.issues.with_url(page.odata_next_link).get(asked(None, Prefer="odata.maxpagesize=1"))
    assert (pages, len(set(seen))) == (3, 3), seen
    seen = []
    await PageIterator(await announcement.issues.get(asked(Issues(top=2))), adapter).iterate(lambda one: seen.append(one.id) or True)
    assert len(set(seen)) >= 2, seen
    await refused(announcement.issues.by_service_health_issue_id(one.id).incident_report.get(), 400, "BadRequest")
    published = await announcement.issues.get(asked(Issues(filter="status eq 'postIncidentReviewPublished'")))
    report = await announcement.issues.by_service_health_issue_id(published.value[0].id).incident_report.get()
    assert b"Issue 2" in report and b"A cable" in report, report
    why = await refused(announcement.issues.by_service_health_issue_id("EX1").get(), 404, "ResourceNotFound")
    assert why.error.inner_error.request_id and why.error.inner_error.date, why


async def overviews(announcement):
    services = await announcement.health_overviews.get()
    assert len(services.value) >= 7 and all(one.status for one in services.value)
    Overviews = HealthOverviewsRequestBuilder.HealthOverviewsRequestBuilderGetQueryParameters
    expanded = await announcement.health_overviews.get(asked(Overviews(expand=["issues"])))
    trace = next(one for one in expanded.value if one.service == "Message trace")
    assert len(trace.issues) == 3 and trace.issues[0].posts, trace
    assert (await announcement.health_overviews.by_service_health_id("Message trace").get()).id == "trace"
    assert len((await announcement.health_overviews.by_service_health_id("trace").issues.get()).value) == 3


async def messages(announcement):
    listed = await announcement.messages.get()
    message = announcement.messages.by_service_update_message_id(listed.value[0].id)
    ids = [listed.value[0].id]
    for action, body, field, want in [
        (announcement.messages.mark_read, MarkReadPostRequestBody, "is_read", True),
        (announcement.messages.archive, ArchivePostRequestBody, "is_archived", True),
        (announcement.messages.favorite, FavoritePostRequestBody, "is_favorited", True),
        (announcement.messages.mark_unread, MarkUnreadPostRequestBody, "is_read", False),
        (announcement.messages.unarchive, UnarchivePostRequestBody, "is_archived", False),
    ]:
        assert (await action.post(body(message_ids=ids))).value is True
        assert getattr((await message.get()).view_point, field) is want, field
    Messages = MessagesRequestBuilder.MessagesRequestBuilderGetQueryParameters
    expanded = await announcement.messages.get(asked(Messages(expand=["attachments"])))
    assert [file.name for file in expanded.value[0].attachments] == ["plan.txt", "\u6b65\u9aa4.md"], expanded
    files = (await message.attachments.get()).value
    assert (files[0].content_type, files[0].size) == ("text/plain", 10), files
    assert await message.attachments.by_service_announcement_attachment_id(files[0].id).content.get() == b"What we do"
    archive = zipfile.ZipFile(io.BytesIO(await message.attachments_archive.get()))
    assert archive.testzip() is None and archive.namelist() == ["plan.txt", "\u6b65\u9aa4.md"], archive.namelist()
    assert archive.read("plan.txt") == b"What we do"
    await refused(announcement.messages.mark_read.post(MarkReadPostRequestBody(message_ids=["MC1"])), 404, "ResourceNotFound")


async def main():
    provider = AzureIdentityAuthenticationProvider(Token(), scopes=["https://graph.microsoft.com/.default"], allowed_hosts=["127.0.0.1"])
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = os.environ["GRAPH_BASE"] + "/v1.0"
    announcement = GraphServiceClient(request_adapter=adapter).admin.service_announcement
    await issues(announcement, adapter)
    await overviews(announcement)
    await messages(announcement)
    print("pass")


asyncio.run(main())
