"""Test authentication: three forms of login, tokens, scopes and rates; an unknown caller learns nothing."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from django.test import Client

from accounts import guessing, rates
from accounts.keys import create_key, revoke_key
from accounts.models import Account
from campaigns.states import CampaignStatus
from tests.api.soap.envelopes import (
    STATUS,
    WSSE,
    Reply,
    SoapCaller,
    ask_token,
    envelope,
    oauth,
    perform,
    post,
    retrieve,
    token_of,
    user,
)
from tests.campaigns.building import again, campaign_in, ready_campaign
from tests.conftest import Clock

LOGIN_FAILED = ("q0:Security", "Login Failed")


def check_in(header: str) -> Reply:
    return post(envelope(STATUS, header))


def test_every_form_of_login_is_taken(soap_of_alice: SoapCaller) -> None:
    token = token_of(soap_of_alice)
    legacy = f'<oAuth xmlns="http://exacttarget.com"><oAuthToken xmlns="">{token}</oAuthToken></oAuth>'
    for header in (
        user("alice", soap_of_alice.text),
        user(soap_of_alice.key.key_id, soap_of_alice.text),
        oauth(token),
        oauth(soap_of_alice.text),
        f"<fueloauth>{token}</fueloauth>",
        legacy + user("*", "*"),
    ):
        assert check_in(header).overall == "OK", header


def secret_of(caller: SoapCaller) -> str:
    """Return the secret part of the caller's key."""
    return caller.text.split(".")[2]


@pytest.mark.parametrize("is_named_by_id", [True, False], ids=["id", "username"])
def test_the_secret_part_of_a_key_is_enough(soap_of_alice: SoapCaller, *, is_named_by_id: bool) -> None:
    name, secret = soap_of_alice.key.key_id if is_named_by_id else "alice", secret_of(soap_of_alice)
    assert check_in(user(name, secret)).overall == "OK"
    for path, fields in (
        ("/v2/token", {"client_id": name, "client_secret": secret}),
        ("/v1/requestToken", {"clientId": name, "clientSecret": secret}),
    ):
        made = ask_token(fields, path).json()
        assert check_in(oauth(made.get("access_token") or made["accessToken"])).overall == "OK"


def test_the_secret_part_needs_the_name_of_its_own_key(
    soap_of_alice: SoapCaller, alice: Account, soap_of_charlie: SoapCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guessing, "WRONG_PER_MINUTE", 1000)
    second = SoapCaller(alice)
    secret = secret_of(soap_of_alice)
    for name, password in (
        ("charlie", secret),
        (second.key.key_id, secret),
        (soap_of_charlie.key.key_id, secret),
        ("", secret),
        ("SG", secret),
        (soap_of_alice.key.key_id[:-1], secret),
        (f"{soap_of_alice.key.key_id}.", secret),
        (f"SG.{soap_of_alice.key.key_id}", secret),
        (soap_of_alice.key.key_id, secret[:-1]),
        (soap_of_alice.key.key_id, f"{secret}x"),
        (soap_of_alice.key.key_id, f".{secret}"),
        (soap_of_alice.key.key_id, f"{soap_of_alice.key.key_id}.{secret}"),
        (soap_of_alice.key.key_id, ""),
        (soap_of_alice.key.key_id, secret_of(second)),
        (soap_of_alice.key.key_id, second.text.replace(second.key.key_id, soap_of_alice.key.key_id)),
    ):
        assert check_in(user(name, password)).fault == LOGIN_FAILED, (name, password)
        answer = ask_token({"client_id": name, "client_secret": password})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    for header in (oauth(secret), user("*", "*") + oauth(secret)):
        assert check_in(header).fault == LOGIN_FAILED
    assert check_in(user(soap_of_alice.key.key_id, secret)).overall == "OK"
    revoke_key(alice, soap_of_alice.key.key_id)
    assert check_in(user(soap_of_alice.key.key_id, secret)).fault == LOGIN_FAILED


def test_every_wrong_login_is_the_same_fault(
    soap_of_alice: SoapCaller, soap_of_charlie: SoapCaller, alice: Account
) -> None:
    digest = base64.b64encode(hashlib.sha1(b"nonce").digest()).decode()
    revoked, text = create_key(alice, "revoked")
    revoke_key(alice, revoked.key_id)
    faults = [
        check_in(header)
        for header in (
            "",
            user("nobody", soap_of_alice.text),
            user("alice", "SG.x"),
            user("alice", soap_of_charlie.text),
            user("*", "*"),
            user("", ""),
            user("alice", text),
            user("alice", soap_of_alice.text).replace("<wsse:Password>", '<wsse:Password Type="x#PasswordDigest">'),
            user("alice", digest),
            oauth(""),
            oauth("x"),
            oauth(token_of(soap_of_alice)[:-1]),
            oauth("x" * 10_000),
            oauth("x") + user("alice", soap_of_alice.text),
            f'<wsse:Security xmlns:wsse="{WSSE}"><wsse:UsernameToken/></wsse:Security>',
        )
    ]
    assert {fault.fault for fault in faults} == {LOGIN_FAILED}
    assert {fault.text("faultactor") for fault in faults} == {"http://testserver/Service.asmx"}
    assert f'<faultcode xmlns:q0="{WSSE}">q0:Security</faultcode>'.encode() in faults[0].content
    assert not faults[0].texts("detail")


def test_a_token_ends_with_its_time_and_with_its_key(soap_of_alice: SoapCaller, clock: Clock) -> None:
    token = token_of(soap_of_alice)
    clock.advance(seconds=1190)
    assert check_in(oauth(token)).overall == "OK"
    clock.advance(seconds=11)
    assert check_in(oauth(token)).fault == ("q0:Security", "Token Expired")
    fresh = token_of(soap_of_alice)
    revoke_key(soap_of_alice.account, soap_of_alice.key.key_id)
    assert check_in(oauth(fresh)).fault == LOGIN_FAILED


def test_a_token_answer_has_the_url_of_the_endpoint(soap_of_alice: SoapCaller, settings: Any) -> None:
    credentials = {"grant_type": "client_credentials", "client_id": "alice", "client_secret": soap_of_alice.text}
    answer = ask_token(credentials | {"account_id": "7"})
    made = answer.json()
    assert {key: made[key] for key in made if key != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 1200,
        "scope": "marketing_campaigns.read marketing_campaigns.create marketing_campaigns.update",
        "soap_instance_url": "http://testserver/",
        "rest_instance_url": "http://testserver/",
    }
    assert answer["Cache-Control"] == "no-store"
    settings.PUBLIC_URL = "https://mail.example.com/soap"
    form = "&".join(f"{key}={value}" for key, value in credentials.items())
    made = Client().post("/v2/token", form, content_type="application/x-www-form-urlencoded").json()
    assert made["soap_instance_url"] == "https://mail.example.com/soap/"
    headers = {"Authorization": f"Bearer {made['access_token']}"}
    assert Client().get("/platform/v1/endpoints/soap", headers=headers).json() == {
        "url": "https://mail.example.com/soap/Service.asmx"
    }
    legacy = ask_token({"clientId": "alice", "clientSecret": soap_of_alice.text}, "/v1/requestToken").json()
    assert (legacy["expiresIn"], check_in(oauth(legacy["accessToken"])).overall) == (1200, "OK")


def test_other_callers_get_no_token(soap_of_alice: SoapCaller) -> None:
    wrong = ask_token({"client_id": "alice", "client_secret": "SG.x"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert ask_token({"client_id": 1, "client_secret": []}).status_code == 401
    for body in (b"[]", b"{", b"\xff", b"[" * 500):
        assert Client().post("/v2/token", body, content_type="application/json").status_code == 400
    other = {"grant_type": "password", "client_id": "alice", "client_secret": soap_of_alice.text}
    assert ask_token(other).json()["error"] == "unsupported_grant_type"
    assert ask_token({"clientId": "alice"}, "/v1/requestToken").status_code == 401
    assert Client().get("/platform/v1/endpoints/soap").status_code == 401


def test_guessing_passwords_is_slowed_down(
    soap_of_alice: SoapCaller, one_minute: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guessing, "WRONG_PER_MINUTE", 2)
    right = user("alice", soap_of_alice.text)
    for _ in range(2):
        assert check_in(user("alice", "wrong")).fault == LOGIN_FAILED
    assert check_in(right).fault == LOGIN_FAILED
    assert check_in(user(soap_of_alice.key.key_id, soap_of_alice.text)).overall == "OK", "another name is no guess"
    assert check_in(user(soap_of_alice.key.key_id, secret_of(soap_of_alice))).overall == "OK"
    headers = {"REMOTE_ADDR": "192.0.2.7"}
    elsewhere = Client().generic("POST", "/Service.asmx", envelope(STATUS, right), content_type="text/xml", **headers)
    assert elsewhere.status_code == 200


def test_guesses_of_a_secret_part_lock_the_keys_id(
    soap_of_alice: SoapCaller, one_minute: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guessing, "WRONG_PER_MINUTE", 2)
    key_id, secret = soap_of_alice.key.key_id, secret_of(soap_of_alice)
    assert check_in(user(key_id, "x" * len(secret))).fault == LOGIN_FAILED
    assert ask_token({"client_id": key_id, "client_secret": "y" * len(secret)}).status_code == 401
    assert check_in(user(key_id, secret)).fault == LOGIN_FAILED
    assert ask_token({"client_id": key_id, "client_secret": secret}).status_code == 401
    assert check_in(user("alice", soap_of_alice.text)).overall == "OK"


def test_a_key_needs_the_scope(alice: Account) -> None:
    reader = SoapCaller(alice, ["marketing_campaigns.read"])
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    assert reader.ask(retrieve("ID")).overall == "OK"
    code, text = reader.ask(perform("cancel", campaign.pk)).fault
    assert code == "soap:Client"
    assert "marketing_campaigns.update" in text
    assert again(campaign).status == CampaignStatus.SCHEDULED
    assert SoapCaller(alice, ["marketing.update"]).ask(perform("cancel", campaign.pk)).overall == "OK"


def test_a_key_acts_for_its_subusers(soap_of_alice: SoapCaller, subuser: Account) -> None:
    campaign = ready_campaign(subuser)
    document = envelope(retrieve("ID"), user("alice", soap_of_alice.text))
    assert post(document, **{"On-Behalf-Of": "alice-shop"}).texts("p:Results/p:ID") == [str(campaign.pk)]
    assert post(document).texts("p:Results/p:ID") == []
    assert post(document, **{"On-Behalf-Of": "charlie"}).fault[0] == "soap:Client"


def test_a_key_has_a_rate_limit(soap_of_alice: SoapCaller, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_away_until", 0.0)
    monkeypatch.setattr(rates.time, "time", lambda: 1_800_000_020.0)
    settings.RATE_LIMIT_PER_MINUTE = 1
    assert soap_of_alice.ask(STATUS).overall == "OK"
    reply = soap_of_alice.ask(STATUS)
    assert reply.fault == ("soap:Client", "Too many requests in this minute.")
    assert reply.headers["Retry-After"] == "40"
