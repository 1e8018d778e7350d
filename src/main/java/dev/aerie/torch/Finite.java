package dev.aerie.torch;

/** Finds NaN and infinity. */
public final class Finite {

    private Finite() {}

    /** Returns the position, in row-major order, of the first element that is NaN or infinite; -1 if all are finite. */
    public static long firstViolation(Tensor x) {
        return Script.integer("first_non_finite", x);
    }
}
