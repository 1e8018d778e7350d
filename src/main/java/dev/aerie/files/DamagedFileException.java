package dev.aerie.files;

import dev.aerie.errors.RefusalException;

/** A file has other bytes than were written. It is no IOException: reading it again would not help. */
public final class DamagedFileException extends RefusalException {

    private static final long serialVersionUID = 1;

    DamagedFileException(String message) {
        super(message);
    }
}
