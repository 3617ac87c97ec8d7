# SPDX-License-Identifier: Apache-2.0
# Headless Chromium, driven as a person would: real events of mouse and keyboard, over the DevTools protocol on two pipes. Whatever goes wrong in
# the page (exceptions, errors and warnings on its console, dialogs, requests to anywhere but its file) is kept in `troubles`.
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe"]
KEYS = {"Escape": 27, "Enter": 13, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, " ": 32}
PATIENCE = 60  # seconds for anything: the machine may be busy


def find_chromium():
    return next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)


class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="chromium-")
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 20) for fd in (theirs_in, theirs_out)]

        def place():
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen([find_chromium(), *OPTIONS, "--user-data-dir=" + self.profile], pass_fds=(3, 4), preexec_fn=place,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for fd in (*high, theirs_in, theirs_out):
            os.close(fd)
        self.read_fd, self.write_fd, self.pending, self.number = ours_in, ours_out, b"", 0
        self.answers, self.troubles, self.session = {}, [], None

    def close(self):
        try:
            self.call("Browser.close")
            self.process.wait(PATIENCE)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.profile, ignore_errors=True)

    def note(self, message):
        method, data = message["method"], message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = data["exceptionDetails"]
            self.troubles.append("exception: " + details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and data["type"] in ("error", "warning", "assert"):
            self.troubles.append("console: " + " ".join(str(argument.get("value", "")) for argument in data["args"]))
        elif method == "Log.entryAdded" and data["entry"]["level"] in ("error", "warning"):
            self.troubles.append("log: " + data["entry"]["text"])
        elif method == "Page.javascriptDialogOpening":
            self.troubles.append("dialog: " + data["message"])
        elif method == "Network.requestWillBeSent" and not data["request"]["url"].startswith("file:"):
            self.troubles.append("request: " + data["request"]["url"])

    def receive(self, until):
        while b"\0" not in self.pending:
            if not select.select([self.read_fd], [], [], max(0, until - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            read = os.read(self.read_fd, 1 << 20)
            if not read:
                raise EOFError("the browser is gone")
            self.pending += read
        text, self.pending = self.pending.split(b"\0", 1)
        message = json.loads(text)
        if "id" in message:
            self.answers[message["id"]] = message
        else:
            self.note(message)

    def call(self, method, **parameters):
        self.number += 1
        number, until = self.number, time.monotonic() + PATIENCE
        message = {"id": number, "method": method, "params": parameters}
        if self.session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self.session
        os.write(self.write_fd, json.dumps(message).encode() + b"\0")
        while number not in self.answers:
            self.receive(until)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise RuntimeError(method + ": " + answer["error"]["message"])
        return answer["result"]

    # A new page on a file, of this size, in these colours; ready when its scripts are.
    def open(self, path, width=1400, height=900, scheme="light", scripts=True):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.wait("document.readyState === 'complete' && document.body" + (" && document.documentElement.dataset.ready" if scripts else ""))

    def eval(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(expression + ": " + result["exceptionDetails"].get("exception", {}).get("description", "?"))
        return result["result"].get("value")

    def wait(self, expression):
        until = time.monotonic() + PATIENCE
        while not self.eval(f"!!({expression})"):
            if time.monotonic() > until:
                raise TimeoutError("never true: " + expression)
            time.sleep(0.02)

    # Two frames later everything that was asked for is drawn.
    def settle(self):
        self.call("Runtime.evaluate", expression="new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))",
                  awaitPromise=True)

    def box(self, selector):
        return self.eval(f"""(() => {{ const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{block: "center"}}); const box = element.getBoundingClientRect();
            return {{x: box.left, y: box.top, w: box.width, h: box.height}}; }})()""")

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    # At a place within an element; in its middle if none is given.
    def click(self, selector, x=None, y=None, modifiers=0):
        box = self.box(selector)
        x, y = box["x"] + (box["w"] / 2 if x is None else x), box["y"] + (box["h"] / 2 if y is None else y)
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1, modifiers=modifiers)
        self.settle()

    def drag(self, selector, start, end, modifiers=0):
        box = self.box(selector)
        (x0, y0), (x1, y1) = [(box["x"] + x, box["y"] + y) for x, y in (start, end)]
        self.mouse("mouseMoved", x0, y0)
        self.mouse("mousePressed", x0, y0, button="left", clickCount=1, modifiers=modifiers)
        for i in range(1, 5):
            self.mouse("mouseMoved", x0 + (x1 - x0) * i / 4, y0 + (y1 - y0) * i / 4, button="left", buttons=1, modifiers=modifiers)
        self.mouse("mouseReleased", x1, y1, button="left", clickCount=1, modifiers=modifiers)
        self.settle()

    def hover(self, selector, x, y):
        box = self.box(selector)
        self.mouse("mouseMoved", box["x"] + x, box["y"] + y)
        self.settle()

    def wheel(self, selector, x, y, by, modifiers=0):
        box = self.box(selector)
        self.mouse("mouseWheel", box["x"] + x, box["y"] + y, deltaX=0, deltaY=by, modifiers=modifiers)
        self.settle()

    def press(self, key, modifiers=0):
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        code = {"windowsVirtualKeyCode": KEYS[key]} if key in KEYS else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, modifiers=modifiers, **code)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, modifiers=modifiers, **code)
        self.settle()

    def type(self, selector, text):
        self.click(selector)
        self.eval("document.activeElement.select()")
        if text:
            self.call("Input.insertText", text=text)
        else:
            self.press("Backspace")
            self.eval("document.activeElement.value = ''; document.activeElement.dispatchEvent(new Event('input'))")
        self.settle()

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]))
