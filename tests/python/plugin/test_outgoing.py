"""What of an answer a team may read."""

from __future__ import annotations

from saas_access.proxy.outgoing import Renaming, hide_words, shown_headers

NAMES = {"openai/up-a": "chat", "up-a": "chat", "real-a": "chat"}


def test_the_models_field_is_renamed_wherever_it_stands() -> None:
    renamed = Renaming(NAMES)(b'{"model": "up-a", "response":{"model":"openai/up-a"},"modelVersion" : "real-a"}')
    assert renamed == b'{"model": "chat", "response":{"model":"chat"},"modelVersion" : "chat"}'


def test_what_a_model_says_is_left_alone() -> None:
    for said in (b'{"content": "\\"model\\": \\"up-a\\" and up-a"}', b'{"model": "up-ab"}', b'{"tool": "up-a"}'):
        assert Renaming(NAMES)(said) == said
    assert Renaming({})(b'{"model": "up-a"}') == b'{"model": "up-a"}'


def test_names_outside_ascii() -> None:
    assert Renaming({"gr\u00f6\u00dfe": "klein"})(b'{"model": "gr\\u00f6\\u00dfe"}') == b'{"model": "klein"}'
    assert Renaming({"gr\u00f6\u00dfe": "klein"})('{"model": "gr\u00f6\u00dfe"}'.encode()) == b'{"model": "klein"}'


def test_headers_that_tell_more_than_was_sold() -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"X-LiteLLM-Model-Api-Base", b"http://secret"),
        (b"x-litellm-response-cost", b"0.1"),
        (b"llm_provider-openai-organization", b"secret"),
        (b"x-litellm-call-id", b"1"),
    ]
    assert shown_headers(headers) == [headers[0], headers[4]]


def test_an_errors_words() -> None:
    text = "No deployments for real-a (openai/up-a at http://10.0.0.1/v1); fallback forbidden also failed; unforbidden"
    hidden = hide_words(text, {"real-a", "openai/up-a", "up-a", "forbidden", "http://10.0.0.1/v1"}, NAMES)
    assert hidden == "No deployments for chat (chat at (hidden)); fallback (hidden) also failed; unforbidden"


def test_an_alias_that_is_also_an_actual_name_stays() -> None:
    assert hide_words("chat failed on up-a", {"chat", "up-a"}, {"up-a": "chat"}) == "chat failed on chat"
