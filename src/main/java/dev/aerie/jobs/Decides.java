package dev.aerie.jobs;

/**
 * What the value of a recipe key decides. It determines what a store or a checkpoint must agree with; there is no second list of
 * keys.
 */
enum Decides {
    /**
     * The content of the store: tokens, states and their encoding. The store compares results of the value, in its fingerprints
     * and fields, so that a file may move and a limit without effect may change.
     */
    DATA("the data"),
    /** The numbers in the store's states. The store compares the value itself. */
    STATES("the states"),
    /**
     * The draft's shape, its vocabulary, and the part of the store that it learns from. A checkpoint compares results of the
     * value.
     */
    DRAFT("the draft"),
    /** What the draft learns from given data. A checkpoint compares the value itself. */
    TRAINING("the training"),
    /** The measurement of a finished draft. */
    MEASUREMENT("the measurement"),
    /** Nothing but speed, safety, places, names or rounding. It may change from run to run. */
    NOTHING("nothing");

    private final String text;

    Decides(String text) {
        this.text = text;
    }

    /** For docs/recipe.md. */
    @Override
    public String toString() {
        return text;
    }
}
