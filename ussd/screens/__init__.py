"""The screens, one module a journey: pure functions of session, input and facts."""
