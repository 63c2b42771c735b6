/** How long a `LANGUAGE nats` function has for its answer. */
export const functionAnswerMsMax = 2000;
