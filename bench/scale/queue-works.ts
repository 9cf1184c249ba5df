/** What a process of a worker imports: works that do nothing, whatever they are. */
export const open = async () => ({
  works: { get: (id: string) => ({ id, record: id, run: async () => {} }) },
});
