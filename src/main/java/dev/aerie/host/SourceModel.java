package dev.aerie.host;

import dev.aerie.errors.RefusalException;
import dev.aerie.files.Sha256;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.EtagSource;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The current content of a model on its file system.
 *
 * @param uri qualified
 * @param identity digest of the uri and of the name, length and stamp of each file
 */
record SourceModel(FileSystem files, Path uri, Map<String, FileStatus> present, String identity) {

    /** Digits of the identity: enough to be unique, few enough to keep the name of a copy readable. */
    private static final int IDENTITY = 16;

    /**
     * Lists it.
     *
     * @throws RefusalException unless it is a folder with a config.json
     */
    static SourceModel list(String model, Configuration conf) throws IOException {
        Path path = new Path(model);
        FileSystem files = path.getFileSystem(conf);
        Path uri = files.makeQualified(path);
        Map<String, FileStatus> present = new TreeMap<>();
        try {
            for (FileStatus f : files.listStatus(uri)) {
                put(f, present);
                if (f.isDirectory() && f.getPath().getName().equals(ModelFiles.TEMPLATES)) {
                    for (FileStatus template : files.listStatus(f.getPath())) {
                        put(template, present);
                    }
                }
            }
        } catch (FileNotFoundException e) {
            throw new RefusalException("Missing model folder: " + uri, e);
        }
        if (!present.containsKey(ModelFiles.CONFIG)) {
            throw new RefusalException("Invalid model: " + uri + " (expected a folder with " + ModelFiles.CONFIG + ")");
        }
        Sha256 sha = new Sha256().add(uri.toString());
        present.forEach((name, f) -> sha.add("\n" + name + "\n" + f.getLen() + "\n" + stamp(f)));
        return new SourceModel(files, uri, present, sha.hex().substring(0, IDENTITY));
    }

    private static void put(FileStatus file, Map<String, FileStatus> present) {
        String name = ModelFiles.nameOf(file.getPath());
        if (file.isFile() && ModelFiles.isCandidate(name)) {
            present.put(name, file);
        }
    }

    /** Returns an object store's checksum if there is one, because a repeated upload of the same bytes changes the times. */
    private static String stamp(FileStatus f) {
        String etag = f instanceof EtagSource tagged ? tagged.getEtag() : null;
        return etag == null || etag.isEmpty() ? Long.toString(f.getModificationTime()) : etag;
    }

    /** Returns the name of its copy: readable, and another for other content. */
    String copyName() {
        return uri.getName().replaceAll("[^A-Za-z0-9._-]", "_") + "-" + identity;
    }

    /** Returns the files to copy, the longest first, so that none is left for the end. */
    List<FileStatus> needed() throws IOException {
        byte[] index = null;
        if (present.containsKey(ModelFiles.INDEX)) {
            try (FSDataInputStream in = files.open(present.get(ModelFiles.INDEX).getPath())) {
                index = in.readAllBytes();
            }
        }
        List<FileStatus> out = new ArrayList<>();
        for (String name : ModelFiles.needed(present.keySet(), index)) {
            out.add(present.get(name));
        }
        out.sort(Comparator.comparingLong(FileStatus::getLen).reversed());
        return out;
    }
}
