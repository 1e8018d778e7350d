package dev.aerie.gang;

/** A gang that failed for good: the message says how often it was tried and names the rank and step of the last failure. */
public final class GangException extends RuntimeException {

    private final boolean defect;

    GangException(String message, Throwable cause) {
        this(message, false, cause);
    }

    GangException(String message, boolean defect, Throwable cause) {
        super(message, cause);
        this.defect = defect;
    }

    /** Whether a rank failed because this program broke a contract of its own. */
    public boolean isDefect() {
        return defect;
    }
}
