#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Lists the links of a directory of HTML files that lead nowhere.

usage: html-links.py DIRECTORY

Files and anchors must exist; links to other hosts are not followed.
"""

import html.parser
import pathlib
import sys
import urllib.parse


class Page(html.parser.HTMLParser):
    """The links and anchors of a file."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if attrs.get("href") and tag == "a":
            self.links.add(attrs["href"])
        if attrs.get("id"):
            self.anchors.add(attrs["id"])


def main():
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__)
    top = pathlib.Path(sys.argv[1]).resolve()
    pages = {path: Page(path) for path in sorted(top.rglob("*.html"))}
    if not pages:
        sys.exit(f"no HTML files in {top}")

    by_name = {}
    for path in pages:
        by_name.setdefault(path.name, []).append(path)

    broken = 0
    for path, page in pages.items():
        for link in sorted(page.links):
            url = urllib.parse.urlsplit(link)
            if url.scheme not in ("", "file"):
                continue
            target = path
            if url.path:
                target = (path.parent / urllib.parse.unquote(url.path)).resolve()
            # Rustdoc's own mistakes: methods of a trait that are hidden are linked to, and
            # an item of a private module is linked to there, where a page without anchors leads
            # on to the one that exports it.
            if url.fragment.startswith("tymethod."):
                continue
            if target in pages and not pages[target].anchors:
                target = max(by_name[target.name], key=lambda page: len(pages[page].anchors))
            if target.is_dir() and url.scheme == "":
                target /= "index.html"
            # Line numbers of source pages are ranges, put there by a script.
            known = target not in pages or not url.fragment or "/src/" in str(target)
            if not known:
                # Browsers look for the anchor as it is written first.
                wanted = {url.fragment, urllib.parse.unquote(url.fragment)}
                known = not wanted.isdisjoint(pages[target].anchors)
            if not (known and target.exists()):
                print(f"{path.relative_to(top)}: {link}", file=sys.stderr)
                broken += 1
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
