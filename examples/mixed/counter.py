"""The child in Python: a server that counts, "counter in Python"."""

import regrow


class Counter(regrow.Server):
    def init(self, first):
        self.count = first

    def handle_call(self, request):
        if request != regrow.Atom("next"):
            raise ValueError(f"what is {request!r}?")
        self.count += 1
        return self.count


regrow.register_behaviour("counter in Python", regrow.ServerSpec(Counter, 0))
