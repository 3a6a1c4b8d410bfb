"""What people do with Microsoft's Graph SDK for Python; started by graph.test.mjs with an address and a token."""
import asyncio
import os
import time

from azure.core.credentials import AccessToken
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.admin.service_announcement.issues.issues_request_builder import IssuesRequestBuilder
from msgraph.generated.admin.service_announcement.messages.mark_read.mark_read_post_request_body import MarkReadPostRequestBody
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph_core.tasks.page_iterator import PageIterator


class Token:
    def get_token(self, *scopes, **more):
        return AccessToken(os.environ["GRAPH_TOKEN"], int(time.time()) + 3600)


async def main():
    provider = AzureIdentityAuthenticationProvider(Token(), scopes=["https://graph.microsoft.com/.default"], allowed_hosts=["127.0.0.1"])
    adapter = GraphRequestAdapter(provider)
    adapter.base_url = os.environ["GRAPH_BASE"] + "/v1.0"
    announcement = GraphServiceClient(request_adapter=adapter).admin.service_announcement
    Query = IssuesRequestBuilder.IssuesRequestBuilderGetQueryParameters
    issues = await announcement.issues.get(RequestConfiguration(query_parameters=Query(count=True, top=2, orderby=["startDateTime desc"])))
    assert issues.odata_count == 3 and len(issues.value) == 2, issues
    found = await announcement.issues.get(RequestConfiguration(query_parameters=Query(filter="classification eq 'incident'")))
    assert [one.title for one in found.value] == ["Issue 0"] and found.value[0].status.value == "serviceDegradation", found
    assert found.value[0].posts[0].description.content, found
    seen = []
    first = await announcement.issues.get()
    await PageIterator(first, adapter).iterate(lambda one: seen.append(one.id) or True)
    assert len(set(seen)) == 3, seen
    services = await announcement.health_overviews.get()
    assert len(services.value) >= 7 and all(one.status for one in services.value)
    messages = await announcement.messages.get()
    message = messages.value[0].id
    done = await announcement.messages.mark_read.post(MarkReadPostRequestBody(message_ids=[message]))
    assert done.value is True
    assert (await announcement.messages.by_service_update_message_id(message).get()).view_point.is_read is True
    assert (await announcement.messages.by_service_update_message_id(message).attachments_archive.get())[:2] == b"PK"
    try:
        await announcement.issues.by_service_health_issue_id("EX1").get()
        raise AssertionError("EX1 is there")
    except ODataError as why:
        assert why.response_status_code == 404 and why.error.code == "ResourceNotFound", why
    print("pass")


asyncio.run(main())
