package dev.aerie.files;

import dev.aerie.errors.RefusalException;

/** A file's bytes differ from those written. It is not an IOException, because reading it again would not help. */
public final class DamagedFileException extends RefusalException {

    private static final long serialVersionUID = 1;

    DamagedFileException(String message) {
        super(message);
    }
}
