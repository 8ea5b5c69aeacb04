"""The one exception that a person may read: object, value, rule and, where there is one, the mend, in one sentence."""


class BaristaError(Exception):
    """What went wrong, as one sentence that the command line prints after `barista: `, without a trace.

    `exit_status` is the status with which the command ends; a subclass or the one who raises may set another than 1.
    """

    exit_status = 1

    def __init__(self, sentence: str, exit_status: int | None = None) -> None:
        super().__init__(sentence)
        if exit_status is not None:
            self.exit_status = exit_status
