"""A supervised counter: it counts, crashes, and counts again from 1."""

import regrow


class Counter(regrow.Server):
    def init(self, start):
        self.count = start

    def handle_call(self, request):
        if request != "next":
            raise ValueError(f"what is {request!r}?")
        self.count += 1
        return self.count


with regrow.Runtime() as runtime:
    runtime.start_child(regrow.ServerSpec(Counter, 0, name="counter"))

    # Whichever counter lives now, waiting up to a second for one that is being restarted.
    counter = regrow.Address("counter", runtime, wait=1)
    for request in ("next", "next", "crash", "next"):
        try:
            print(f"{request}: {counter.call(request)}")
        except regrow.ExitedError as error:
            print(f"{request}: {error.reason[1]}: {error.reason[2]}")
