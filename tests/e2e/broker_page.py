#!/usr/bin/python3
"""Looks at the broker's web page with a real browser, as people do who have no mouse, or
do not see. broker_page.sh has made what is to be seen.

Usage: broker_page.py ORIGIN FOLDER LINK NUMBER [AXE]
  LINK: logs alice in; NUMBER: of a decision that was refused for its measurement;
  FOLDER: for the browser and pictures; AXE: the file axe.min.js
"""
import hashlib
import json
import ssl
import subprocess
import sys

from browser import Browser, Failed

failed = False


def check(name, condition, said=""):
    global failed
    if condition:
        print("ok: " + name)
    else:
        print("FAILED: %s%s" % (name, "\n  " + str(said) if said != "" else ""))
        failed = True


def key_of(origin):
    host, port = origin.split("//")[1].split(":")
    pem = ssl.get_server_certificate((host, int(port)))
    spki = subprocess.run(["openssl", "x509", "-pubkey", "-noout"], input=pem.encode(),
                          stdout=subprocess.PIPE, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=spki,
                         stdout=subprocess.PIPE, check=True).stdout
    return hashlib.sha256(der).digest()


CONTROLS = ("link", "button", "textbox", "combobox", "checkbox", "searchbox", "option",
            "MenuListOption")


def check_tree(browser, name):
    tree = browser.tree()
    nameless = [role for role, label, _ in tree if role in CONTROLS and not label.strip()]
    check(name + ": each control has a name", not nameless, nameless)
    levels = [int(p.get("level", 0)) for role, _, p in tree if role == "heading"]
    check(name + ": one heading of the first level, first", levels[:1] == [1] and
          levels.count(1) == 1, levels)
    check(name + ": no level of headings is left out",
          all(b <= a + 1 for a, b in zip(levels, levels[1:])), levels)
    roles = [role for role, _, _ in tree]
    check(name + ": banner, navigation and main are landmarks",
          all(roles.count(r) == 1 for r in ("banner", "navigation", "main")),
          [r for r in roles if r in ("banner", "navigation", "main")])
    tables = [label for role, label, _ in tree if role == "table"]
    check(name + ": each table has a name", all(tables), tables)


def check_axe(browser, name, axe):
    if not axe:
        return
    for scheme in ("light", "dark"):
        browser.scheme(scheme)
        with open(axe, encoding="utf-8") as file:
            browser.run(file.read() + "; 0")
        found = browser.run("""axe.run(document, {runOnly: {type: "tag", values:
            ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}})
            .then(r => r.violations.map(v => v.id + ": " + v.nodes.map(
                n => n.target.join(" ") + " " + n.failureSummary).join("; ")))""")
        check("%s: axe finds nothing, %s" % (name, scheme), found == [],
              json.dumps(found)[:2000])
    browser.scheme("light")


def check_widths(browser, name, folder):
    for width, scale in ((1280, 1), (640, 2), (320, 1)):
        browser.size(width, scale=scale)
        wide = browser.run("document.documentElement.scrollWidth")
        check("%s: nothing is cut off at %d pixels" % (name, width), wide <= width, wide)
        browser.shot("%s/%s-%d.png" % (folder, name.replace(" ", "-"), width))
    browser.size(1280)
    browser.run("document.documentElement.style.fontSize = '200%'; 0")
    wide = browser.run("document.documentElement.scrollWidth")
    check(name + ": nor with letters of twice the size", wide <= 1280, wide)
    browser.run("document.documentElement.style.fontSize = ''; 0")
    browser.scheme("dark")
    browser.shot("%s/%s-dark.png" % (folder, name.replace(" ", "-")))
    browser.scheme("light")


def check_page(browser, name, folder, axe):
    # What is folded is looked at, too.
    browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
    check(name + ": it is in English, and has a title of its own",
          browser.run("document.documentElement.lang") == "en" and
          name.split()[0].lower() in browser.run("document.title").lower(),
          browser.run("document.title"))
    check(name + ": it has no script, no style of its own, no picture", browser.run(
        "document.querySelectorAll('script,style,[style],img,iframe,object').length")
        == 0)
    check_tree(browser, name)
    check_axe(browser, name, axe)
    check_widths(browser, name, folder)


def log_in(browser, link):
    browser.go(link)
    check("a link that is only looked at is not used up", "Log in" in browser.text())
    browser.go(link)
    way = browser.tab_to("BUTTON Log in")
    check("the first thing that Tab comes to skips the rest",
          way[0] == "A Skip to the content", way)
    check("the focus is seen", browser.run(
        "getComputedStyle(document.activeElement).outlineStyle") != "none")
    browser.press_and_load("Enter")
    check("the button logs in", "Logged in as the owner alice" in browser.text(),
          browser.text())
    cookies = browser.call("Network.getCookies")["cookies"]
    check("by one cookie that no script and no other site sees",
          [(c["name"], c["secure"], c["httpOnly"], c["sameSite"], c["path"])
           for c in cookies] == [("__Host-tobichi", True, True, "Strict", "/")], cookies)
    check("which no script of the page sees, either", browser.run("document.cookie") == "")
    browser.go(link)
    browser.tab_to("BUTTON Log in")
    browser.press_and_load("Enter")
    check("a second use is refused", "does not count any more" in browser.text())
    # The browser says that the page came with 403: so it should.
    browser.forget("Log.entryAdded")


def find_check(browser, origin, number):
    """From the front page to the check that has failed, by keys alone."""
    browser.go(origin + "/")
    browser.tab_to("A Decisions")
    browser.press_and_load("Enter")
    check("the list has more than the refusals", "accepted" in browser.run(
        "document.querySelector('tbody').innerText"))
    browser.tab_to("INPUT Resource, or its start")
    browser.type("red/")
    browser.tab_to("SELECT Verdict")
    browser.letter("r")
    browser.tab_to("BUTTON Show")
    browser.press_and_load("Enter")
    rows = browser.run("[...document.querySelectorAll('tbody tr')].map(e => e.innerText)")
    check("the filter leaves the refusals of one repository alone",
          rows and all("refused" in r and "red/" in r for r in rows), rows)
    check("and what it is stays in the form",
          browser.run("[resource.value, verdict.value].join()") == "red/,refused")
    browser.tab_to("A Decision %s" % number)
    browser.press_and_load("Enter")
    said = browser.text()
    check("the decision says that it was refused", "Decision %s: refused" % number in said)
    failing = browser.run(
        "[...document.querySelectorAll('.checks li')].map(e => e.innerText).join('|')")
    check("which check has failed", "failed" in failing and "POLICY-IMAGE" in failing,
          failing)
    for word in ("Expected", "4d4d4d4e", "Found", "4d4d4d4d", "What to do"):
        check("and '%s'" % word, word in failing, failing)
    check("with how many others passed", "passed" in said and "1 failed" in said, said)
    return failing


def main():
    origin, folder, link, number = sys.argv[1:5]
    axe = sys.argv[5] if len(sys.argv) > 5 else None
    browser = Browser(folder + "/chromium", key_of(origin))
    try:
        browser.go(origin + "/")
        check_page(browser, "broker", folder, axe)
        log_in(browser, link)
        find_check(browser, origin, number)
        for name, path in (("decision of a refusal", "/decisions/" + number),
                           ("decisions", "/decisions"), ("resources", "/resources"),
                           ("policies", "/policies"), ("log in", "/login")):
            browser.go(origin + path)
            check_page(browser, name, folder, axe)
        check("the browser has nothing to complain of", browser.complaints() == [],
              browser.complaints())
        browser.go(origin + "/")
        browser.tab_to("BUTTON Log out")
        browser.press_and_load("Space")
        check("the other button logs out", "Nobody is logged in" in browser.text())
        browser.go(origin + "/decisions")
        check("and the pages are gone", "Log in first" in browser.text())
    except Failed as problem:
        check("the browser", False, problem)
    finally:
        browser.close()
    return 1 if failed else 0


sys.exit(main())
