"""``/api/v1/auth``: register, sign in and out, renew, and the caller's own account.

A browser gets both tokens as HttpOnly cookies of its own site, any other client takes them from the body. A refresh token goes out the way
the old one came in.
"""

from datetime import timedelta
from typing import Annotated, Final

from fastapi import APIRouter, BackgroundTasks, Cookie, Request, Response
from pydantic import AfterValidator, EmailStr, Field, SecretStr, StringConstraints

from syncline.accounts import accounts, sessions, verification
from syncline.accounts.accounts import Registration
from syncline.accounts.passwords import acceptable
from syncline.accounts.sessions import ACCESS, REFRESH, Tokens
from syncline.api.deps import ACCESS_COOKIE, REFRESH_COOKIE, Personal, ServiceOf, Signed, same_origin
from syncline.api.envelope import Asked, Done, Model, Moment, Success
from syncline.api.errors import answers
from syncline.api.refund import spare
from syncline.api.service import Service
from syncline.core.errors import BadInput, Denied, Duplicate, Mismatch, Unrenewable
from syncline.delivery import mail
from syncline.store.users import User

__all__ = ["Person", "router"]

_PREFIX: Final = "/api/v1/auth"
router = APIRouter(prefix=_PREFIX, tags=["auth"])

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Password = Annotated[SecretStr, Field(max_length=1000, examples=["correct horse battery staple"])]


def _acceptable(password: SecretStr) -> SecretStr:
    try:
        acceptable(password.get_secret_value())
    except BadInput as error:
        raise ValueError(str(error)) from None
    return password


NewPassword = Annotated[Password, AfterValidator(_acceptable)]
Token = Annotated[SecretStr, Field(max_length=1000, examples=["slr_4f9…"])]


class Person(Model):
    """A user."""

    id: str = Field(examples=["3f6c1de08a1f4b0e9d0c2a7b5e4f6a81"])
    email: str = Field(examples=["ann@example.com"])
    name: str = Field(examples=["Ann"])
    instance_owner: bool = Field(description="Whether this is the first user, who runs the instance")
    email_verified: bool = Field(description="Whether it is proved that the address is the user's")
    created_at: Moment


class SignedIn(Model):
    """Who has signed in, and the tokens."""

    user: Person
    access_token: str = Field(examples=["eyJhbGciOiJIUzI1NiIs…"])
    refresh_token: str = Field(examples=["slr_4f9…"])
    expires_in: int = Field(description="Milliseconds for which the access token is good", examples=[900_000])


class Renewed(Model):
    """New tokens. The refresh token is left out where it went into a cookie."""

    access_token: str = Field(examples=["eyJhbGciOiJIUzI1NiIs…"])
    refresh_token: str | None = Field(default=None, examples=["slr_4f9…"])
    expires_in: int = Field(examples=[900_000])


class Account(Model):
    """The caller's own account."""

    user: Person


class Registering(Asked):
    """Who wants to become a user."""

    email: EmailStr
    name: Name
    password: NewPassword
    key: Token | None = Field(default=None, description="The setup key, or the token of an invitation")


class SigningIn(Asked):
    """Who wants in."""

    email: Annotated[str, StringConstraints(max_length=320)] = Field(examples=["ann@example.com"])
    password: Password


class Renewing(Asked):
    """The refresh token, where it does not come as a cookie."""

    refresh_token: Token | None = None


class Renaming(Asked):
    """What of an account can be changed."""

    name: Name


class ChangingPassword(Asked):
    """The old password and the new one."""

    current_password: Password
    new_password: NewPassword


class Verifying(Asked):
    """The token of the link."""

    token: Token


class Forgetting(Asked):
    """Whose password was forgotten."""

    email: Annotated[str, StringConstraints(max_length=320)] = Field(examples=["ann@example.com"])


class Resetting(Asked):
    """The token of the link, and the new password."""

    token: Token
    password: NewPassword


@router.post("/register", status_code=201, responses=answers(Denied, Duplicate))
async def register(
    request: Request, response: Response, service: ServiceOf, asked: Registering, later: BackgroundTasks
) -> Success[SignedIn]:
    """Become a user, with the setup key, by invitation, or freely where the instance is open, and sign in.

    Whoever comes without a key is sent a link that proves the address, where the server sends mail.
    """
    registration = Registration(
        email=asked.email,
        name=asked.name,
        password=asked.password.get_secret_value(),
        key=asked.key.get_secret_value() if asked.key else None,
    )
    user, tokens = await accounts.register(service.app, registration, agent=_agent(request))
    if asked.key is not None:  # whoever brings a good key does not guess
        spare(request)
    if user.verified_at is None:
        later.add_task(_send_verification, service, user.id)
    return Success(data=_signed_in(request, response, user, tokens), message="Registered")


@router.post("/login", responses=answers(Mismatch))
async def login(
    request: Request, response: Response, service: ServiceOf, asked: SigningIn
) -> Success[SignedIn]:
    """Sign in."""
    password = asked.password.get_secret_value()
    user, tokens = await accounts.sign_in(service.app, asked.email, password, agent=_agent(request))
    return Success(data=_signed_in(request, response, user, tokens), message="Signed in")


@router.post("/refresh", responses=answers(Unrenewable, Denied))
async def refresh(
    request: Request,
    response: Response,
    service: ServiceOf,
    asked: Renewing | None = None,
    cookie: Annotated[str | None, Cookie(alias=REFRESH_COOKIE)] = None,
) -> Success[Renewed]:
    """Replace the refresh token and get a new access token. A refresh token that comes twice ends the session."""
    sent = asked.refresh_token.get_secret_value() if asked and asked.refresh_token else None
    held = sent or cookie
    if held is None:
        raise Unrenewable("There is no refresh token: sign in.")
    if sent is None and not same_origin(request.headers, also=service.app.settings.origins):
        raise Denied("This request comes from a page of another origin.")
    tokens = await sessions.renew(service.app, held)
    _set_cookies(request, response, tokens)
    return Success(
        data=Renewed(
            access_token=tokens.access,
            refresh_token=tokens.refresh if sent else None,
            expires_in=_milliseconds(ACCESS),
        )
    )


@router.post("/logout")
async def logout(response: Response, service: ServiceOf, caller: Personal) -> Done:
    """End the session. Its access token is worth nothing from now on."""
    assert caller.session_id is not None
    await accounts.sign_out(service.app, caller.session_id)
    response.delete_cookie(ACCESS_COOKIE)
    response.delete_cookie(REFRESH_COOKIE, path=_PREFIX)
    return Done(message="Signed out")


@router.get("/me")
async def me(service: ServiceOf, caller: Signed) -> Success[Account]:
    """The caller's own account."""
    return Success(data=Account(user=_person(await accounts.profile(service.app, caller.user_id))))


@router.patch("/me")
async def rename(service: ServiceOf, caller: Personal, asked: Renaming) -> Success[Account]:
    """Change the caller's name."""
    user = await accounts.rename(service.app, caller.user_id, asked.name)
    return Success(data=Account(user=_person(user)), message="Changed")


@router.post("/change-password", responses=answers(Mismatch))
async def change_password(service: ServiceOf, caller: Personal, asked: ChangingPassword) -> Done:
    """Replace the password and end the caller's other sessions."""
    await accounts.change_password(
        service.app,
        caller.user_id,
        session_id=caller.session_id,
        current=asked.current_password.get_secret_value(),
        wanted=asked.new_password.get_secret_value(),
    )
    return Done(message="Password changed; all other sessions are over")


@router.post("/forgot-password", status_code=202)
async def forgot_password(service: ServiceOf, asked: Forgetting, later: BackgroundTasks) -> Done:
    """Ask for a link by mail. The answer is the same whether there is such an account or not."""
    if service.app.settings.smtp_url is None:
        return Done(
            message="This server sends no mail: ask its operator, who can make a link with `syncline users reset`."
        )
    later.add_task(_send_reset, service, asked.email)
    return Done(message="If there is an account for this address, a link is on its way")


@router.post("/reset-password")
async def reset_password(service: ServiceOf, asked: Resetting) -> Done:
    """Set a password with the token of a link, and end all sessions."""
    await accounts.reset_password(
        service.app, asked.token.get_secret_value(), asked.password.get_secret_value()
    )
    return Done(message="Password set: sign in")


@router.post("/verify-email", responses=answers(BadInput))
async def verify_email(service: ServiceOf, caller: Personal, asked: Verifying) -> Done:
    """Prove that the address is the caller's, by the token of the link that was sent there."""
    await verification.confirm(service.app, caller.user_id, asked.token.get_secret_value())
    return Done(message="Address confirmed")


@router.post("/verify-email/resend", status_code=202)
async def resend_verification(service: ServiceOf, caller: Personal, later: BackgroundTasks) -> Done:
    """Send the link once more. One that was sent before is worth nothing then."""
    if (await accounts.profile(service.app, caller.user_id)).verified_at is not None:
        return Done(message="The address is confirmed already")
    if service.app.settings.smtp_url is None:
        return Done(
            message="This server sends no mail: its operator can make a link with `syncline users reset`, which confirms the address, too."
        )
    later.add_task(_send_verification, service, caller.user_id)
    return Done(message="A link is on its way")


async def _send_verification(service: Service, user_id: str) -> None:
    """Runs after the answer: an account is one before its address is proved, and a mail server that is down takes nothing away."""
    url = service.app.settings.smtp_url
    if url is not None and (made := await verification.request(service.app, user_id)) is not None:
        user, token = made
        link = f"{service.app.settings.public_url}/verify-email#token={token}"
        await mail.send(mail.server(url.get_secret_value()), mail.verification(user.email, link))


async def _send_reset(service: Service, email: str) -> None:
    """Runs after the answer, so that nobody learns from its time whether there was somebody to write to."""
    url, found = service.app.settings.smtp_url, await accounts.request_reset(service.app, email)
    if url is not None and found is not None:
        user, token = found
        link = f"{service.app.settings.public_url}/reset-password#token={token}"
        await mail.send(mail.server(url.get_secret_value()), mail.reset(user.email, link))


def _signed_in(request: Request, response: Response, user: User, tokens: Tokens) -> SignedIn:
    _set_cookies(request, response, tokens)
    return SignedIn(
        user=_person(user),
        access_token=tokens.access,
        refresh_token=tokens.refresh,
        expires_in=_milliseconds(ACCESS),
    )


def _set_cookies(request: Request, response: Response, tokens: Tokens) -> None:
    secure = request.url.scheme == "https"
    for name, value, path, life in (
        (ACCESS_COOKIE, tokens.access, "/", ACCESS),
        (REFRESH_COOKIE, tokens.refresh, _PREFIX, REFRESH),
    ):
        response.set_cookie(
            name,
            value,
            path=path,
            max_age=int(life.total_seconds()),
            secure=secure,
            httponly=True,
            samesite="strict",
        )


def _person(user: User) -> Person:
    return Person(
        id=user.id,
        email=user.email,
        name=user.name,
        instance_owner=user.instance_owner,
        email_verified=user.verified_at is not None,
        created_at=user.created_at,
    )


def _agent(request: Request) -> str | None:
    return request.headers.get("user-agent")


def _milliseconds(span: timedelta) -> int:
    return int(span / timedelta(milliseconds=1))
