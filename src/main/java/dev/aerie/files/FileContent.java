package dev.aerie.files;

import java.io.IOException;
import java.io.OutputStream;

/** Writes a file's content into a stream, which it does not close. */
@FunctionalInterface
public interface FileContent {

    void writeTo(OutputStream out) throws IOException;
}
