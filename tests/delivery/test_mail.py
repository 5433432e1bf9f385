"""Mail reaches a real SMTP server, encrypted where it offers that, and a server that is down is named."""

from email import message_from_bytes
from email.policy import SMTPUTF8

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.letters import mailbox

from syncline.core.errors import BadInput, Unreachable
from syncline.delivery import mail
from syncline.delivery.mail import Server


async def test_a_letter_arrives_with_its_link() -> None:
    with mailbox() as box:
        server = mail.server(box.url)
        await mail.send(server, mail.reset("ann@example.com", "https://s.example.com/reset#token=slt_x"))
        await mail.send(
            server, mail.invitation("b@example.com", "https://x/join#token=y", workspace="A\r\nBcc: c@x")
        )

    (sender, to, first), (_, also, second) = box.letters
    assert first["Date"] is not None
    assert first["Message-ID"] != second["Message-ID"]
    assert (sender, to, also) == ("syncline@example.com", ["ann@example.com"], ["b@example.com"])
    assert first["Subject"] == "Set a new password for Syncline"
    assert "https://s.example.com/reset#token=slt_x" in first.get_content().splitlines()
    assert second["Subject"] == "You are invited to A Bcc: c@x on Syncline"
    assert second["Bcc"] is None


async def test_what_is_sent_again_bears_the_same_message_id() -> None:
    with mailbox() as box:
        for _ in range(2):
            letter = mail.notification("ann@example.com", "s", "t")
            await mail.send(mail.server(box.url), letter, name="msg_1")
    assert [letter["Message-ID"] for _, _, letter in box.letters] == ["<msg_1@example.com>"] * 2


@given(
    st.text(st.sampled_from('ab.@"()[]\\:;,<> =?\r\n\t\x00\x85é'), max_size=12) | st.emails(),
    st.text(max_size=50),
    st.text(max_size=50),
)
def test_what_is_taken_for_an_address_makes_a_letter_to_it_and_to_nobody_else(
    to: str, subject: str, text: str
) -> None:
    if not mail.is_address(to):
        return
    letter = mail.notification(to, subject, text)
    read = message_from_bytes(letter.as_bytes(policy=SMTPUTF8), policy=SMTPUTF8)
    assert (sorted(read.keys()), [one.addr_spec for one in read["To"].addresses]) == (
        sorted(letter.keys()),
        [to],
    )


async def test_a_server_that_is_down_is_named() -> None:
    with pytest.raises(Unreachable, match=r"The mail server 127\.0\.0\.1 does not take mail"):
        await mail.send(
            mail.server("smtp://127.0.0.1:1?from=s@example.com"), mail.reset("a@example.com", "l")
        )


def test_a_url_names_the_server_and_who_sends() -> None:
    assert mail.server("smtps://ann%40example.com:p%2Fw@mail.example.com") == Server(
        "mail.example.com",
        465,
        encrypted=True,
        user="ann@example.com",
        password="p/w",
        sender="ann@example.com",
    )
    assert mail.server("smtp://mail.example.com:25?from=s@example.com").port == 25


@pytest.mark.parametrize(
    "url",
    [
        "http://x?from=a@b.c",
        "smtp://x",
        "smtp://?from=a@b.c",
        "smtp://x:port?from=a@b.c",
        "smtp://x?from=nobody",
    ],
)
def test_a_url_that_is_none_says_what_it_should_be(url: str) -> None:
    with pytest.raises(BadInput, match="SYNCLINE_SMTP_URL is not valid"):
        mail.server(url)
