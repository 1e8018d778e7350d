package dev.aerie.torch;

/** Looking for NaN and infinity. */
public final class Finite {

    private Finite() {}

    /** Position of the first element, in row-major order, that is NaN or infinite; -1 where all are finite. */
    public static long firstViolation(Tensor x) {
        return Script.integer("first_non_finite", x);
    }
}
