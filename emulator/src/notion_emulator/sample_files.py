"""The files of the sample workspace, made on the spot: pictures, a sound, papers, a table."""

import io
import math
import struct
import wave

__all__ = ["FILES"]


def _svg(title: str, sky: str, light: str) -> bytes:
    """A lantern on a pier at a time of day."""
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180" role="img" aria-label="{title}">
<title>{title}</title><rect width="320" height="180" fill="{sky}"/><rect y="130" width="320" height="50" fill="#1f3a4d"/>
<rect x="150" y="60" width="20" height="80" fill="#4a3b2f"/><path d="M140 60h40l-8-22h-24z" fill="#7a5c3a"/>
<circle cx="160" cy="49" r="8" fill="{light}"/><path d="M160 49L320 20v58z" fill="{light}" opacity=".25"/></svg>
""".encode()


def _wave(seconds: float = 0.5, rate: int = 8000, pitch: float = 880.0) -> bytes:
    """Three short tones."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        steps = range(round(seconds * rate))
        on = [
            math.sin(2 * math.pi * pitch * step / rate) if step * 6 // len(steps) % 2 == 0 else 0.0
            for step in steps
        ]
        sound.writeframes(b"".join(struct.pack("<h", round(9000 * level)) for level in on))
    return buffer.getvalue()


def _pdf(*lines: str) -> bytes:
    """One sheet with some lines of text."""
    text = " T* ".join(f"({line}) Tj" for line in lines)
    content = f"BT /F1 14 Tf 18 TL 60 760 Td {text} ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start)


SURVEY = b"Sandholm pier, 6 May 2026\nMast 4.2 m, rust at the foot. Cable none. Gulls many.\n"
BOARD = b"input_v,output_w,efficiency\n12,5.46,0.91\n24,5.34,0.89\n"

# name -> (content type, bytes)
FILES: dict[str, tuple[str, bytes]] = {
    "harbour.svg": ("image/svg+xml", _svg("The yard at low water", "#f2d6a2", "#fff3b0")),
    "lantern-a.svg": ("image/svg+xml", _svg("Lantern, series A", "#22304a", "#ffd24d")),
    "lantern.svg": ("image/svg+xml", _svg("Lantern", "#0d1626", "#ffe9a0")),
    "beacon.wav": ("audio/wav", _wave()),
    "measuring.pdf": (
        "application/pdf",
        _pdf("Measuring light", "1. Cloth over the exit sign", "2. One metre", "3. Wait"),
    ),
    "survey.txt": ("text/plain", SURVEY),
    "driver-d.csv": ("text/csv", BOARD),
}
