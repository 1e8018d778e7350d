package dev.aerie.jobs;

/**
 * What the value of a recipe key decides. What a store or a checkpoint must agree with follows from it: no second list of keys
 * says so.
 */
enum Decides {
    /**
     * What is in the store: its tokens, its states and how they are written. Compared by what comes of it, which the store
     * keeps in its fingerprints and fields, so that a file may move and a limit that cuts nothing may change.
     */
    DATA("the data"),
    /** The numbers in the store's states. A store agrees with the value itself. */
    STATES("the states"),
    /** The draft's shape, its vocabulary, and what of the store it learns from. Checkpoints keep what came of it. */
    DRAFT("the draft"),
    /** What the draft learns from given data. A checkpoint agrees with the value itself. */
    TRAINING("the training"),
    /** What is measured of a finished draft. */
    MEASUREMENT("the measurement"),
    /** Speed, safety, places and names; also what only rounds otherwise. It may change from run to run. */
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
