import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.io.BytesWritable;
import org.apache.hadoop.io.LongWritable;
import org.apache.hadoop.io.SequenceFile;
import org.apache.hadoop.io.SequenceFile.CompressionType;
import org.apache.hadoop.io.Text;
import org.apache.hadoop.io.Writable;
import org.apache.hadoop.io.compress.CompressionCodec;
import org.apache.hadoop.util.ReflectionUtils;

/**
 * Reads and writes SequenceFiles with Hadoop, as told line by line:
 *
 * <pre>
 *   read PATH
 *   write PATH NONE|RECORD|BLOCK CODEC|- Writable|Text SEED RECORDS SYNC_INTERVAL
 * </pre>
 *
 * Answers each with a line per record: key, size and SHA-256 of its value. Then comes `ok` with the
 * header's compression and codec, or `failed` with the reason.
 */
public class SequenceFiles {
  private static final Configuration configuration = new Configuration();

  public static void main(String[] args) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ");
      try {
        String kind = words[0].equals("read") ? read(words[1]) : write(words);
        System.out.println("ok " + kind);
      } catch (Exception | LinkageError problem) {
        System.out.println("failed " + problem.toString().replace('\n', ' '));
      }
    }
  }

  private static String read(String path) throws Exception {
    Path file = new Path("file://" + path);
    try (SequenceFile.Reader reader =
        new SequenceFile.Reader(configuration, SequenceFile.Reader.file(file))) {
      LongWritable key = new LongWritable();
      Writable value =
          (Writable) ReflectionUtils.newInstance(reader.getValueClass(), configuration);
      while (reader.next(key, value)) print(key.get(), bytesOf(value));
      CompressionCodec codec = reader.getCompressionCodec();
      return reader.getCompressionType() + " " + (codec == null ? "-" : codec.getClass().getName());
    }
  }

  private static String write(String[] words) throws Exception {
    Random random = new Random(Long.parseLong(words[5]));
    boolean isText = words[4].equals("Text");
    SequenceFile.Metadata metadata = new SequenceFile.Metadata();
    if (isText) metadata.set(new Text("seed"), new Text(words[5]));
    CompressionCodec codec = null;
    if (!words[3].equals("-")) {
      Class<?> found = configuration.getClassByName("org.apache.hadoop.io.compress." + words[3]);
      codec = (CompressionCodec) ReflectionUtils.newInstance(found, configuration);
    }
    try (SequenceFile.Writer writer =
        SequenceFile.createWriter(
            configuration,
            SequenceFile.Writer.file(new Path("file://" + words[1])),
            SequenceFile.Writer.keyClass(LongWritable.class),
            SequenceFile.Writer.valueClass(isText ? Text.class : BytesWritable.class),
            SequenceFile.Writer.compression(CompressionType.valueOf(words[2]), codec),
            SequenceFile.Writer.metadata(metadata),
            SequenceFile.Writer.syncInterval(Integer.parseInt(words[7])))) {
      for (int left = Integer.parseInt(words[6]); left > 0; left--) {
        long key = random.nextLong();
        byte[] body = body(random, isText);
        writer.append(new LongWritable(key), isText ? new Text(body) : new BytesWritable(body));
        print(key, body);
      }
      writer.sync();
    }
    return words[2];
  }

  private static byte[] body(Random random, boolean isText) {
    int size = random.nextInt(20) == 0 ? random.nextInt(70_000) : random.nextInt(300);
    byte[] body = new byte[size];
    random.nextBytes(body);
    // Letters, few of them: something to compress.
    if (isText) for (int at = 0; at < size; at++) body[at] = (byte) ('a' + (body[at] & 3));
    return body;
  }

  private static byte[] bytesOf(Writable value) {
    if (value instanceof Text text) return Arrays.copyOf(text.getBytes(), text.getLength());
    return ((BytesWritable) value).copyBytes();
  }

  private static void print(long key, byte[] body) throws Exception {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(body);
    System.out.println(key + " " + body.length + " " + HexFormat.of().formatHex(digest));
  }
}
