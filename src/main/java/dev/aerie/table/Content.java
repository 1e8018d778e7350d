package dev.aerie.table;

/** What a column holds, and where its values are read. */
enum Content {
    ID(Place.MARKER),
    PART(Place.MARKER),
    SOURCE(Place.MARKER),
    SHARD(Place.MARKER),
    TOKENS(Place.MARKER),
    /** The number of a conversation's supervised tokens. */
    SUPERVISED(Place.MARKER),
    /** A token's place in its conversation. */
    POSITION(Place.MARKER),
    INPUT_IDS(Place.SHARD),
    LOSS_MASK(Place.SHARD),
    TEACHER_ROWS(Place.SHARD),
    INPUT_ID(Place.SHARD),
    /** Whether a token is supervised. */
    IS_SUPERVISED(Place.SHARD),
    AUX(Place.STATES),
    TEACHER(Place.STATES);

    private enum Place {
        MARKER,
        SHARD,
        STATES
    }

    private final Place place;

    Content(Place place) {
        this.place = place;
    }

    /** Returns whether values are in the shard's file. */
    boolean isOfShard() {
        return place != Place.MARKER;
    }

    boolean isState() {
        return place == Place.STATES;
    }
}
