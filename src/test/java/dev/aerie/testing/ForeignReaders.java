package dev.aerie.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.aerie.files.Sha256;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Assumptions;

/**
 * Stores as others read them: by the Python of docs/store.md, with pyarrow or DuckDB, and by Spark. Each gives a line for each
 * conversation, in the order of their ids: id, part, and the SHA-256 of its ids, mask, states of each layer and of the teacher.
 *
 * <p>The Python is that of AERIE_PYTHON, python3 if it is not set.
 */
public final class ForeignReaders {

    public static final String PYARROW = "pyarrow";
    public static final String DUCKDB = "duckdb";

    private static final String CONTENTS = """
            import hashlib, sys, tempfile

            def local(read):
                def chunks(fs, folder, marker):
                    with tempfile.TemporaryDirectory() as copy:
                        os.mkdir(f"{copy}/shards")
                        file = f"shards/{marker['file']}"
                        pa.fs.copy_files(f"{folder}/{file}", f"{copy}/{file}", fs, pa.fs.LocalFileSystem())
                        return read(pa.fs.LocalFileSystem(), copy, marker)
                return chunks

            def sha(values, dtype):
                return hashlib.sha256(values.astype(dtype).tobytes()).hexdigest()

            read = local(duckdb_chunks) if sys.argv[1] == "duckdb" else read_chunks
            lines = []
            for id, part, ids, mask, aux, teacher in read_store(sys.argv[2], read):
                lines.append(" ".join([id, part, sha(ids, "<i4"), sha(mask, np.uint8),
                                       *(sha(aux[:, i], "<f4") for i in range(aux.shape[1])), sha(teacher, "<f4")]))
            print("\\n".join(sorted(lines)))
            """;

    private ForeignReaders() {}

    /** Skips the calling test, by name, without the modules. */
    public static void require() {
        try {
            Process process = new ProcessBuilder(python(), "-c", "import numpy, pyarrow, duckdb").redirectErrorStream(true).start();
            Assumptions.assumeTrue(process.waitFor(60, TimeUnit.SECONDS) && process.exitValue() == 0,
                    python() + " has no numpy, pyarrow or duckdb");
        } catch (IOException | InterruptedException e) {
            Assumptions.abort("there is no " + python());
        }
    }

    private static String python() {
        String set = System.getenv("AERIE_PYTHON");
        return set == null ? "python3" : set;
    }

    /** The page's blocks of Python, in order: the reader, its use, DuckDB, a query. */
    private static List<String> blocks() throws IOException {
        List<String> blocks = Pattern.compile("```python\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(Path.of("docs", "store.md"))).results().map(match -> match.group(1)).toList();
        assertEquals(4, blocks.size());
        return blocks;
    }

    /** @param uri as pyarrow wants it, for S3 with endpoint and keys */
    public static List<String> python(String reader, String uri, Path folder) throws IOException, InterruptedException {
        return run(blocks().get(0) + blocks().get(2) + CONTENTS, folder, reader, uri);
    }

    /** What the page's two examples print of a store in Parquet. */
    public static List<String> examples(Path store, Path folder) throws IOException, InterruptedException {
        return run(String.join("\n", blocks()).replace("\"out/store\"", "\"" + store + "\""), folder);
    }

    private static List<String> run(String script, Path folder, String... arguments) throws IOException, InterruptedException {
        Path file = Files.writeString(folder.resolve("reader.py"), script);
        Path printed = folder.resolve("printed");
        Path said = folder.resolve("said");
        List<String> line = new ArrayList<>(List.of(python(), file.toString()));
        line.addAll(Arrays.asList(arguments));
        Process process = new ProcessBuilder(line).redirectOutput(printed.toFile()).redirectError(said.toFile()).start();
        assertTrue(process.waitFor(240, TimeUnit.SECONDS), line.toString());
        assertEquals(0, process.exitValue(), () -> text(said));
        return text(printed).lines().toList();
    }

    private static String text(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return e.toString();
        }
    }

    public static List<String> spark(SparkSession spark, String uri, Map<String, String> options) {
        List<String> lines = new ArrayList<>();
        for (Row row : spark.read().format("aerie").options(options).load(uri).collectAsList()) {
            StringBuilder line = new StringBuilder(row.<String>getAs("id")).append(' ').append(row.<String>getAs("part"));
            List<Integer> ids = row.getList(row.fieldIndex("input_ids"));
            ByteBuffer numbers = ByteBuffer.allocate(4 * ids.size()).order(ByteOrder.LITTLE_ENDIAN);
            ids.forEach(numbers::putInt);
            line.append(' ').append(Sha256.of(numbers.array()));
            List<Boolean> mask = row.getList(row.fieldIndex("loss_mask"));
            ByteBuffer supervised = ByteBuffer.allocate(mask.size());
            mask.forEach(one -> supervised.put((byte) (one ? 1 : 0)));
            line.append(' ').append(Sha256.of(supervised.array()));
            for (String field : row.schema().fieldNames()) {
                if (field.startsWith("aux_") || field.equals("teacher")) {
                    line.append(' ').append(Sha256.of(states(row.getList(row.fieldIndex(field)))));
                }
            }
            lines.add(line.toString());
        }
        Collections.sort(lines);
        return lines;
    }

    private static byte[] states(List<scala.collection.Seq<Float>> rows) {
        int width = rows.isEmpty() ? 0 : rows.get(0).size();
        ByteBuffer bytes = ByteBuffer.allocate(4 * rows.size() * width).order(ByteOrder.LITTLE_ENDIAN);
        for (scala.collection.Seq<Float> row : rows) {
            for (int i = 0; i < width; i++) {
                bytes.putFloat(row.apply(i));
            }
        }
        return bytes.array();
    }
}
