/** How long whoever asked a live query may take over one of its events before the instance that answers takes it for gone; milliseconds. */
export const liveAnswerMsMax = 25_000;
