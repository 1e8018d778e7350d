package dev.aerie.train;

import dev.aerie.errors.RefusalException;
import dev.aerie.files.Folder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.UUID;

/**
 * Ensures that a training's output belongs to one attempt, the one that began last. An earlier attempt notices before its next
 * write and ends. Two attempts that write to one output would delete each other's unfinished checkpoints and mix their metrics.
 *
 * <p>The last attempt wins rather than the first, because a hung or disconnected process cannot be told from a working one, and
 * the attempt that the user has just started is the one wanted. It resumes from the newest checkpoint, so little is lost.
 */
final class Claim {

    static final String FILE = "_attempt";

    private final Folder output;
    private final byte[] name = UUID.randomUUID().toString().getBytes(StandardCharsets.UTF_8);

    private Claim(Folder output) {
        this.output = output;
    }

    static Claim take(Folder output) throws IOException {
        Claim claim = new Claim(output);
        output.write(FILE, claim.name);
        return claim;
    }

    /** @throws RefusalException if another attempt has begun since */
    void require() throws IOException {
        // If the folder has been deleted meanwhile, no other attempt owns it.
        boolean ours = output.read(FILE).map(found -> Arrays.equals(found, name)).orElse(true);
        if (!ours) {
            throw new RefusalException("Invalid train.output: " + output
                    + " belongs to a training that began later (expected one at a time; this one ends)");
        }
    }
}
