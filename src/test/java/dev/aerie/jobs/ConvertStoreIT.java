package dev.aerie.jobs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.store.Codec;
import dev.aerie.store.Container;
import dev.aerie.store.Fingerprints;
import dev.aerie.store.HiddenStateStore;
import dev.aerie.store.Part;
import dev.aerie.store.PlannedCounts;
import dev.aerie.store.ShardWriter;
import dev.aerie.store.StateLayout;
import dev.aerie.store.StoreSettings;
import dev.aerie.store.TeacherRows;
import dev.aerie.text.TokenSequence;
import dev.aerie.torch.Scope;
import dev.aerie.torch.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code jobs/aerie convert-store} by its main. */
class ConvertStoreIT {

    @TempDir
    Path folder;

    private Path from;

    @BeforeEach
    void store() throws IOException {
        from = folder.resolve("from");
        write(from, 2, 2);
    }

    private static void write(Path path, int planned, int shards) throws IOException {
        Fingerprints prints = new Fingerprints("a".repeat(64), "b".repeat(64), "c".repeat(64), "d".repeat(64), "e".repeat(64));
        StateLayout layout = new StateLayout(16, List.of(0, 1, 2), TeacherRows.STRICT, Codec.byName().get("bf16"), Container.PARQUET);
        HiddenStateStore store = HiddenStateStore.create(path.toString(), new Configuration(),
                StoreSettings.of(prints, layout, new PlannedCounts(planned, 2, 0, 100)));
        for (int shard = 0; shard < shards; shard++) {
            try (ShardWriter writer = store.writer(shard); Scope scope = Scope.open()) {
                boolean[] mask = new boolean[50];
                mask[3] = true;
                mask[4] = true;
                writer.write("c" + shard, Part.TRAIN, new TokenSequence(new int[50], mask), Tensor.randomNormal(shard, 1, 50, 48),
                        Tensor.randomNormal(shard, 1, 50, 16));
                writer.commit();
            }
        }
        if (planned == shards) {
            store.complete();
        }
    }

    private record Answer(int code, String out, String err) {}

    private static Answer answer(String... arguments) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            int code = CommandLines.run(new Aerie(), arguments);
            return new Answer(code, printed.toString(StandardCharsets.UTF_8), said.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }

    private Answer convert(String to, String... options) {
        String[] all = new String[options.length + 3];
        all[0] = "convert-store";
        all[1] = from.toString();
        all[2] = to;
        System.arraycopy(options, 0, all, 3, options.length);
        return answer(all);
    }

    private String to(String name) {
        return folder.resolve(name).toString();
    }

    @Test
    void convertsAndSaysHow() {
        Answer arrow = convert(to("arrow"), "--container", "arrow");
        assertEquals(0, arrow.code(), arrow.err());
        assertTrue(arrow.out().contains("bf16 in arrow: 2 shards, ") && arrow.out().contains("(every state as it was)"), arrow.out());
        assertTrue(arrow.err().contains("converted shard 1"), arrow.err());
        assertEquals(0, answer("verify-store", to("arrow")).code());

        Answer again = convert(to("arrow"), "--container", "arrow");
        assertEquals(0, again.code());
        assertTrue(again.err().contains("2 of 2 shards are converted already"), again.err());

        Answer fp8 = convert(to("fp8"), "--codec", "fp8");
        assertTrue(fp8.out().contains("fp8 in parquet") && fp8.out().contains("(states rounded)"), fp8.out());
        assertFalse(fp8.err().contains("Note"), fp8.err());
        from = folder.resolve("fp8");
        Answer wide = convert(to("wide"), "--codec", "bf16");
        assertEquals(0, wide.code());
        assertTrue(wide.err().contains("Note: codec fp8 has rounded these states; bf16 does not bring back what that took"), wide.err());
    }

    @Test
    void badInputIsOneSentenceBeforeAnyWork() throws IOException {
        assertRefused("Invalid TO: \"" + from + "\" (expected a folder of its own: it is the place of FROM", convert(from.toString(),
                "--codec", "fp8"));
        assertRefused("it lies within FROM", convert(from + "/converted", "--codec", "fp8"));
        assertRefused("it contains FROM", convert(folder.toString(), "--codec", "fp8"));
        assertRefused("Invalid --codec: zip (expected bf16, fp8, int8 or f32)", convert(to("to"), "--codec", "zip"));
        assertRefused("Invalid --container: orc (expected parquet or arrow)", convert(to("to"), "--container", "orc"));
        assertRefused("it is bf16 in parquet (expected another codec or container)", convert(to("to")));
        assertRefused("it is bf16 in parquet (expected another codec or container)", convert(to("to"), "--codec", "bf16"));
        assertRefused("Missing required parameter: 'TO'", answer("convert-store", from.toString()));
        Files.createDirectories(folder.resolve("full"));
        Files.writeString(folder.resolve("full/notes.txt"), "mine");
        assertRefused("full holds notes.txt (expected a folder that is new, empty, or of the same conversion)",
                convert(to("full"), "--codec", "fp8"));
        Files.writeString(folder.resolve("file"), "mine");
        assertRefused("Invalid TO: ", convert(to("file"), "--codec", "fp8"));
        from = folder.resolve("nowhere");
        assertRefused("it has no store.json", convert(to("to"), "--codec", "fp8"));
        from = folder.resolve("growing");
        write(from, 2, 1);
        assertRefused("1 of 2 shards are committed (expected all", convert(to("to"), "--codec", "fp8"));
        assertFalse(Files.exists(folder.resolve("to/store.json")));
    }

    private static void assertRefused(String message, Answer answer) {
        assertEquals(CommandLines.WRONG, answer.code(), answer::err);
        assertTrue(answer.err().contains(message), answer::err);
    }
}
