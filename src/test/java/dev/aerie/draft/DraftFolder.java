package dev.aerie.draft;

import dev.aerie.text.DraftVocabulary;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Exported drafts of tests, in local folders. */
public final class DraftFolder {

    private DraftFolder() {}

    /** Writes the files of an exported draft into a folder that exists. */
    public static void write(DraftParameters parameters, DraftVocabulary vocabulary, Path folder) throws IOException {
        try (OutputStream out = Files.newOutputStream(folder.resolve(DraftExport.WEIGHTS))) {
            DraftExport.writeWeights(parameters, vocabulary, out);
        }
        Files.write(folder.resolve(DraftExport.CONFIG), DraftExport.config(parameters.config()));
    }
}
