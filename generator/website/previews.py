"""What a page tells other programs that link to it: Open Graph (https://ogp.me) and Twitter's card."""

import html
from urllib.parse import quote, urljoin, urlsplit


def preview_tags(
    *, title: str, description: str, site_name: str, address: str | None, image: str | None
) -> str:
    """Return the tags for a page's <head>, every text escaped.

    `title` and `description` may be escaped already, as MkDocs wants them. `address` is the page's own URL or
    `None` where the website has none; `image` is the absolute URL of its picture.
    """
    properties = {
        "og:type": "website",
        "og:site_name": site_name,
        "og:title": title,
        "og:description": description,
        "og:url": address,
        "og:image": image,
        "og:image:alt": image and title,
    }
    card = "summary_large_image" if image else "summary"
    tags = [
        f'<meta property="{name}" content="{_escape(text)}">' for name, text in properties.items() if text
    ]
    return "\n".join([*tags, f'<meta name="twitter:card" content="{card}">', ""])


def insert(page: str, tags: str) -> str:
    """Return an HTML page with `tags` at the end of its head, unless it has Open Graph tags of its own."""
    head, end, rest = page.partition("</head>")
    return page if not end or 'property="og:' in head else head + tags + end + rest


def picture_address(site_url: str, path: str) -> str:
    """Return the absolute URL of a file of the website; a URL with a host stays as it is."""
    return path if urlsplit(path).netloc else urljoin(site_url, quote(path))


def folder_address(url: str) -> str:
    """Return the URL of a folder in the place of that of its index page, so that both count as one."""
    return url.removesuffix("index.html") if url.endswith("/index.html") else url


def _escape(text: str) -> str:
    return html.escape(" ".join(html.unescape(text).split()))
