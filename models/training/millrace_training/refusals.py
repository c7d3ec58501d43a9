"""Why a training ends without a new version."""


class GoldenMismatch(Exception):
    """The exported graph does not compute what the trained network computes; nothing was published."""


class NotGoodEnough(Exception):
    """What was trained is no better than what there is without it; nothing was published."""
