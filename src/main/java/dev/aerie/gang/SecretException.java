package dev.aerie.gang;

import java.io.IOException;

/** The other end of a connection does not belong to the stage. */
final class SecretException extends IOException {

    SecretException(String message) {
        super(message);
    }
}
