"""A trigger's edge: Cognito's event in, the same event with its `response` out, and the one error."""

import functools
import json


class SignInError(Exception):
    """Cognito shows a function's error text to the client."""

    def __init__(self):
        super().__init__("The sign-in could not be completed. Please start again.")


class HandlerError(Exception):
    """What ends a trigger without an answer; for the log, never for the client."""


def trigger(source):
    def decorate(respond):
        @functools.wraps(respond)
        def handler(event, context):
            context_fields = {"request_id": context.aws_request_id}

            def log(level, message, **fields):
                print(json.dumps({"level": level, "message": message, **fields, **context_fields}))

            try:
                request = Request(event, source)
                context_fields["sub"] = request.attributes.get("sub")
                return {**event, "response": respond(request, log)}
            except Exception as error:
                log("ERROR", "failed", reason=f"{type(error).__name__}: {error}")
                raise SignInError from None

        return handler

    return decorate


class Request:
    """What the triggers need of an event."""

    def __init__(self, event, source):
        event = mapping(event)
        if event.get("triggerSource") != source:
            raise not_this_triggers_event("triggerSource")
        request = event.get("request")
        if not isinstance(request, dict):
            raise not_this_triggers_event("request")
        self.user_pool_id = text(event.get("userPoolId"))
        self.client_id = text(mapping(event.get("callerContext")).get("clientId"))
        self.attributes = strings(request.get("userAttributes"))
        self.client_metadata = strings(request.get("clientMetadata"))
        self.private_challenge_parameters = strings(request.get("privateChallengeParameters"))
        self.challenge_answer = request.get("challengeAnswer")
        self.session = session(request.get("session"))
        self.user_not_found = flag(request.get("userNotFound"), "userNotFound")

    def user(self):
        """Whose record: `sub` is never reused, a user name may be."""
        sub = self.attributes.get("sub")
        if not sub:
            raise HandlerError("the user has no sub")
        if not self.user_pool_id:
            raise not_this_triggers_event("userPoolId")
        return self.user_pool_id, sub


def not_this_triggers_event(part):
    return HandlerError(f"not an event of this trigger: {part}")


def session(value):
    """Null and absent are the empty session. An entry that is no object stays in its place, as no row."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise not_this_triggers_event("session")
    return [
        (
            text(entry.get("challengeName")),
            flag(entry.get("challengeResult"), "challengeResult"),
            text(entry.get("challengeMetadata")),
        )
        for entry in map(mapping, value)
    ]


def mapping(value):
    return value if isinstance(value, dict) else {}


def text(value):
    return value if isinstance(value, str) else None


def strings(value):
    return {name: text for name, text in mapping(value).items() if isinstance(text, str)}


def flag(value, part):
    """Null and absent are false."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise not_this_triggers_event(part)
    return value
