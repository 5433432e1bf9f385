"""File uploads: create, send, complete, retrieve, list (https://developers.notion.com/reference/file-upload).

The bytes are stored and served behind signed addresses. A pending upload expires, and so does an uploaded one that
nothing refers to.
"""

import mimetypes
from typing import Any

from notion_emulator import multipart
from notion_emulator.call import V26, Answer, Call
from notion_emulator.clock import exact, minute
from notion_emulator.errors import ValidationFailed
from notion_emulator.objects import Event, FileUpload, Json, StoredFile
from notion_emulator.outgoing import Failure, fetched
from notion_emulator.paging import envelope, page_of_ids, query_paging
from notion_emulator.validate import integer, literal, obj, refuse, string

__all__ = ["complete", "create", "list_all", "retrieve", "send"]

MB = 1024 * 1024
SINGLE, PART_LEAST, PART_MOST = 20 * MB, 5 * MB, 20 * MB
STATUSES = ("pending", "uploaded", "expired", "failed")
CREATE = obj({}, {
    "mode": literal("single_part", "multi_part", "external_url"), "filename": string(900), "content_type": string(),
    "number_of_parts": integer(1, 1000), "external_url": string(2000, shortest=1),
})  # fmt: skip
HOST = "https://api.notion.com/v1/file_uploads"


def shown(call: Call, upload: FileUpload) -> Json:
    """An upload, in the recorded key order."""
    pending, parts = upload.status == "pending", upload.number_of_parts
    host = f"{call.base}/v1/file_uploads" if call.base != "http://notion.test" else HOST
    answer: Json = {
        "object": "file_upload",
        "id": upload.id,
        "created_time": minute(upload.created),
        "created_by": {"id": upload.created_by, "type": call.world.users[upload.created_by].type},
        "last_edited_time": minute(upload.edited),
        "expiry_time": minute(upload.expires) if upload.expires else None,
    }
    if pending:
        answer["upload_url"] = f"{host}/{upload.id}/send"
        if upload.mode == "multi_part":
            answer["complete_url"] = f"{host}/{upload.id}/complete"
    answer |= {
        "in_trash": upload.trashed, "status": upload.status, "filename": upload.filename,
        "content_type": upload.content_type, "content_length": upload.content_length,
    }  # fmt: skip
    if parts is not None:
        answer["number_of_parts"] = {"total": parts, "sent": len(upload.parts)}
    if upload.import_result:
        answer["file_import_result"] = upload.import_result
    return answer if call.version == V26 else {**answer, "archived": upload.trashed}


def create(call: Call) -> Answer:
    """``POST /file_uploads``: of one part, of several, or from an address that Notion fetches."""
    call.allow("insert_content")
    body = call.checked(CREATE)
    mode = body.get("mode", "single_part")
    for key, owner in (("number_of_parts", "multi_part"), ("external_url", "external_url")):
        if (key in body) != (mode == owner):
            word = "defined" if mode == owner else "not present"
            raise ValidationFailed(
                f"body failed validation: body.{key} should be {word} when mode is `{mode}`."
            )
    if mode != "single_part" and "filename" not in body:
        raise ValidationFailed(
            "body failed validation: body.filename should be defined, instead was `undefined`."
        )
    name = body.get("filename")
    world, now = call.world, call.world.clock.now()
    upload = FileUpload(
        id=world.ids.node(now, tag="file_upload"), created=now, edited=now, created_by=call.by, mode=mode,
        status="pending", filename=name, content_type=body.get("content_type") or _guess(name),
        expires=now + world.settings.upload_seconds * 1000, connection=call.connection.id,
        number_of_parts=body.get("number_of_parts"), external_url=body.get("external_url"),
    )  # fmt: skip
    world.uploads[upload.id] = upload
    _emit(call, upload, "created")
    if upload.external_url:
        _check_external(upload.external_url)
        call.jobs.append(lambda: _import(call, upload))
    return Answer(shown(call, upload))


def _guess(name: str | None) -> str | None:
    return mimetypes.guess_type(name)[0] if name else None


def _emit(call: Call, upload: FileUpload, what: str, data: Json | None = None) -> None:
    event = Event(
        f"file_upload.{what}", "file_upload", upload.id, call.world.clock.now(), call.by, data or {}
    )
    call.world.emit(event)


def _check_external(url: str) -> None:
    local = url.startswith(("http://127.0.0.1", "http://localhost"))
    if not url.startswith("https://") and not local:
        raise ValidationFailed("body failed validation: body.external_url should be an https URL.")


async def _import(call: Call, upload: FileUpload) -> None:
    """Fetch an external file and say how it went, in the upload and in an event."""
    try:
        fetch = await fetched(upload.external_url or "", most=call.world.settings.max_upload)
    except Failure as failure:
        told = {
            "type": "validation_error",
            "code": failure.code,
            "message": str(failure),
            "parameter": None,
            "status_code": failure.status,
        }
        upload.status, upload.import_result = "failed", {"type": "error", "error": told}
        _emit(call, upload, "upload_failed", {"file_import_result": upload.import_result})
        return
    upload.content_type = upload.content_type or fetch.content_type
    _store(call, upload, fetch.body)
    now = call.world.clock.now()
    upload.import_result = {"type": "success", "success": {}, "imported_time": exact(now // 1000 * 1000)}


def _store(call: Call, upload: FileUpload, data: bytes) -> StoredFile:
    kind = upload.content_type or "application/octet-stream"
    stored = call.world.store_file(upload.filename or "file", data, content_type=kind)
    upload.key, upload.status, upload.content_length = stored.key, "uploaded", len(data)
    upload.edited = call.world.clock.now()
    upload.parts = {}
    _emit(call, upload, "completed")
    return stored


def _found(call: Call) -> FileUpload:
    upload = call.world.uploads.get(call.path["file_upload_id"])
    if upload is None or upload.connection != call.connection.id:
        raise call.missing("file_upload", call.path["file_upload_id"])
    return _aged(call, upload)


def _aged(call: Call, upload: FileUpload) -> FileUpload:
    """Expired where its time is over."""
    if (
        upload.expires
        and upload.expires <= call.world.clock.now()
        and upload.status in ("pending", "uploaded")
    ):
        upload.status = "expired"
        _emit(call, upload, "expired")
    return upload


def send(call: Call) -> Answer:
    """``POST /file_uploads/{file_upload_id}/send``: the bytes, whole or one part."""
    call.allow("insert_content")
    upload = _found(call)
    if upload.status != "pending" or upload.mode == "external_url":
        raise ValidationFailed(
            f"File upload {upload.id} must have status `pending`, instead it is `{upload.status}`."
        )
    fields = multipart.parse(call.raw, call.content_type)
    part = fields.get("file")
    if part is None:
        raise ValidationFailed(
            "body failed validation: body.file should be defined, instead was `undefined`."
        )
    if upload.mode == "multi_part":
        _add_part(upload, part.data, fields.get("part_number"))
        return Answer(shown(call, upload))
    most = min(SINGLE, call.world.settings.max_upload)
    if len(part.data) > most:
        raise ValidationFailed(f"The file is larger than the maximum of {most} bytes.")
    upload.filename = upload.filename or part.filename
    upload.content_type = upload.content_type or part.content_type
    _store(call, upload, part.data)
    return Answer(shown(call, upload))


def _add_part(upload: FileUpload, data: bytes, field: multipart.Part | None) -> None:
    text = field.data.decode("ascii", "replace") if field else ""
    if not text.isdecimal() or not 1 <= int(text) <= (upload.number_of_parts or 0):
        raise ValidationFailed(
            f"body failed validation: body.part_number should be between 1 and `{upload.number_of_parts}`."
        )
    if len(data) > PART_MOST:
        raise ValidationFailed(
            f"body failed validation: body.file.length should be ≤ `{PART_MOST}`, instead was `{len(data)}`."
        )
    upload.parts[int(text)] = data


def complete(call: Call) -> Answer:
    """``POST /file_uploads/{file_upload_id}/complete``: puts the parts together."""
    call.allow("insert_content")
    upload = _found(call)
    if upload.mode != "multi_part" or upload.status != "pending":
        raise ValidationFailed(f"File upload {upload.id} is no pending multi-part upload.")
    total = upload.number_of_parts or 0
    if len(upload.parts) != total:
        raise ValidationFailed(f"File upload {upload.id} has {len(upload.parts)} of {total} parts.")
    if any(len(upload.parts[number]) < PART_LEAST for number in range(1, total)):
        raise ValidationFailed(f"Each part but the last must have at least {PART_LEAST} bytes.")
    _store(call, upload, b"".join(upload.parts[number] for number in range(1, total + 1)))
    upload.number_of_parts = None
    return Answer(shown(call, upload))


def retrieve(call: Call) -> Answer:
    """``GET /file_uploads/{file_upload_id}``."""
    call.allow("read_content")
    return Answer(shown(call, _found(call)))


def list_all(call: Call) -> Answer:
    """``GET /file_uploads``: this connection's, newest first, of one status where that is asked."""
    call.allow("read_content")
    status: Any = call.query.get("status", [None])[-1]
    if status is not None:
        refuse("query", literal(*STATUSES)(status, "query.status", ("`undefined`",)))
    cursor, size = query_paging(call)
    own = [
        _aged(call, one)
        for one in reversed(call.world.uploads.values())
        if one.connection == call.connection.id
    ]
    ids, following = page_of_ids([one.id for one in own if status in (None, one.status)], cursor, size=size)
    return Answer(envelope([shown(call, call.world.uploads[id]) for id in ids], "file_upload", following))
