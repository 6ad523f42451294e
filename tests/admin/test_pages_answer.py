"""Every page answers, in words that are the notices'."""

import httpx


async def test_the_home_page_leads_to_verification(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.status_code == 200
    for words in ("Get Certificate of Origin", "Verify Certificate", "Home"):
        assert words in answer.text
